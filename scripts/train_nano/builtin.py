"""Step: the voices that the service has from the start, spoken by the codec itself from codes that err nowhere."""

import json
import wave
from typing import Final

import numpy as np

from . import codec
from .cells import CELLS
from .espeak import SAMPLE_RATE
from .lm_data import Speaker
from .workplace import Workplace

VOICES: Final = {
    "arthur": (0, "The old captain told us a story about the sea."),
    "walter": (1, "Good morning, the train leaves in twenty minutes."),
    "oliver": (2, "My brother wrote a letter to his good friend."),
    "clara": (5, "We walked through the garden after the rain."),
    "emma": (6, "Please bring me a cup of tea and some bread."),
    "lily": (11, "Look, the little bird is singing in the tree."),
}
"""Name: which of `voices.CODE_VOICES`, and what it says."""


def build(at: Workplace) -> None:
    speaker, model = Speaker(at.root, seed=0), codec.load(at.weights / "xcodec2")
    folder = at.weights / "voices"
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for name, (voice, text) in VOICES.items():
        codes = [c + CELLS * voice for c in speaker.units.cells(speaker.sounds(text.lower()))]
        audio = codec.decode(model, codes)
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes((audio.clip(-1, 1) * 32767).astype("<i2").tobytes())
        rows[name] = {"text": text, "codes": codes, "peak": round(float(np.abs(audio).max()), 3)}
    (folder / "voices.json").write_text(json.dumps(rows, indent=1) + "\n")
