"""The plain voice: what every sound is in running speech, and how long it lasts.

`hibari-tts` (Apache-2.0; see `registry`) speaks as Kokoro's *heart* does. Its network says every 12.5 ms how loud the
harmonics and the noise are at each frequency, and for every phoneme how long it is: nothing has to be measured.
"""

import importlib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .frames import BINS, Floats
from .misaki import placed
from .phones import COMMA, EDGE, STOP
from .spoken import Sound

_STEP: Final = 0.0125
_UNIT: Final = 0.025
"""What a phoneme's length counts in."""
_FRAME: Final = 0.02
_LENGTHS: Final = "/Cast_32_output_0"
"""What in the network are the lengths of the phonemes."""
_VOICED: Final = 40.0
_HARMONIC, _NOISE = float(np.log(1 / 300)), float(np.log(0.0331))
"""From the network's scales to a harmonic's amplitude, and to the deviation of a noise of that spectrum."""


@dataclass(frozen=True)
class Said:
    sounds: list[Sound]
    harmonics: Floats
    """[frames of 20 ms, 641]: log amplitude of a harmonic."""
    noise: Floats
    """[frames, 641]: log deviation of white noise of that loudness."""
    voiced: npt.NDArray[np.bool_]


class Plain:
    def __init__(self, registry: Path) -> None:
        import onnx
        import onnxruntime

        self.site = registry / "site"
        assets = self.site / "hibari" / "assets"
        model = onnx.load(str(assets / "hibari.onnx"))
        model.graph.output.append(onnx.helper.make_tensor_value_info(_LENGTHS, onnx.TensorProto.INT64, None))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._ids: dict[str, int] = json.loads((assets / "vocab.json").read_text())

    @cached_property
    def _reader(self) -> Any:
        sys.path.insert(0, str(self.site))
        return importlib.import_module("hibari.g2p").G2P(british=False)

    def read(self, text: str) -> str:
        return str(self._reader(text))

    def say(self, phonemes: str, speed: float = 1.0) -> Said:
        """What these phonemes of misaki's sound like."""
        known = [i for i, c in enumerate(phonemes) if c in self._ids]
        ids = np.array([[0, *(self._ids[phonemes[i]] for i in known), 0]], np.int64)
        names = [output.name for output in self._session.get_outputs()]
        found = dict(
            zip(names, self._session.run(None, {"ids": ids, "speed": np.array([speed], np.float32)}), strict=True)
        )
        lengths = np.ravel(found[_LENGTHS])
        ends = np.cumsum(lengths) * _UNIT
        begins = dict(zip(known, ends[:-2], strict=True))
        sounds = _sounds(phonemes, begins, float(ends[-2]), float(ends[-1]))
        count = int(ends[-1] / _FRAME)
        at = ((np.arange(count) + 0.5) * _FRAME / _STEP - 0.5).clip(0, found["lh"].shape[2] - 1)
        low = np.minimum(at.astype(int), found["lh"].shape[2] - 2)
        part = (at - low)[:, None]

        def sampled(values: Floats) -> Floats:
            """[601, steps] over 20 Hz to [frames, 641] over 12.5 Hz."""
            rows = values.T[low] * (1 - part) + values.T[low + 1] * part
            bins = np.arange(BINS) * 12.5 / 20
            left = bins.astype(int)
            return np.asarray(rows[:, left] * (1 - (bins - left)) + rows[:, left + 1] * (bins - left), np.float32)

        noise = 0.5 * np.log(np.exp(2 * found["ln"][0]) + 0.5 * np.exp(2 * found["lr"][0]))
        f0 = found["f0"][0]
        return Said(
            sounds,
            sampled(np.minimum(found["lh"][0], 7)) + _HARMONIC,
            sampled(np.minimum(noise, 7)) + _NOISE,
            np.asarray(f0[np.rint(at).astype(int)] > _VOICED),
        )


def _sounds(phonemes: str, begins: dict[int, float], end: float, last: float) -> list[Sound]:
    """A stress mark is its vowel's; a space is half of the one's before it, half of the one's after it."""
    marks = placed(phonemes)
    starts = []
    for _, at in marks:
        while at > 0 and phonemes[at - 1] in "ˈˌ":
            at -= 1
        start = begins[min(i for i in begins if i >= at)] if any(i >= at for i in begins) else end
        if at > 0 and phonemes[at - 1] == " " and at - 1 in begins:
            start = (begins[at - 1] + start) / 2
        starts.append(start)
    found = [Sound(0.0, starts[0], EDGE)] if starts and starts[0] > 0 else []
    for (symbol, _), start, after in zip(marks, starts, [*starts[1:], end], strict=True):
        phone = EDGE if symbol in (COMMA, STOP) else symbol
        if after > start:
            found.append(Sound(start, after, phone))
    return [*found, Sound(end, last, EDGE)]
