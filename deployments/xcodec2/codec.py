"""Runs XCodec2 on one device, synchronously: one waveform to codes, codes of equal length to waveforms."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deployments.errors import InvalidAudio, InvalidInput, Unavailable
from deployments.xcodec2.features import features
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Codes, Waveform

if TYPE_CHECKING:
    from transformers import Xcodec2Config, Xcodec2Model


class Xcodec2Codec:
    """A loaded checkpoint in fp32. Not for concurrent use: call it from one thread at a time."""

    def __init__(self, model: "Xcodec2Model", device: str = "cpu") -> None:
        self._model = model.eval().to(device)
        self._device = device
        self.codec_size = int(np.prod(model.config.quantization_levels))
        """Number of codes."""

    @classmethod
    def load(cls, path: str, device: str = "cpu", *, revision: str | None = None, cache_dir: str | None = None) -> Self:
        """Loads a checkpoint of transformers' `Xcodec2Model` and tests it.

        Args:
            path: A local folder, or an id on the Hugging Face hub.
            device: torch's name of the device.
            revision: Branch, tag or commit on the hub.
            cache_dir: Folder of downloads.

        Raises:
            Unavailable: the checkpoint does not exist, or this service cannot use it.
        """
        import torch
        from transformers import Xcodec2Model

        where: dict[str, Any] = {"revision": revision, "cache_dir": cache_dir}
        where = {name: value for name, value in where.items() if value is not None}
        try:
            config = _config(path, where)
            model, info = Xcodec2Model.from_pretrained(
                path, config=config, dtype=torch.float32, output_loading_info=True, **where
            )
        except Exception as error:  # each library involved has its own kinds
            raise Unavailable(
                f"The XCodec2 checkpoint {path!r} cannot be loaded ({_line(error)}). Check the path or id, "
                "the network, and HF_TOKEN if it is gated."
            ) from error
        # Weights under other names load as random ones, without an error.
        strays = sorted(set(info["missing_keys"]) | set(info["unexpected_keys"]))
        if strays:
            raise Unavailable(
                f"The checkpoint {path!r} does not hold the weights of transformers' Xcodec2Model ("
                f"{len(strays)} names differ, such as {strays[0]}). Use HKUSTAudio/xcodec2-hf, or convert it."
            )
        codec = cls(model, device)
        codec.self_test()
        return codec

    def encode(self, wav: Waveform) -> Codes:
        """[samples] at 16 kHz -> [samples // HOP] codes: drops the last, partly padded frame.

        Raises:
            InvalidAudio: the waveform is not one channel of finite samples.
        """
        import torch

        if wav.ndim != 1 or not np.isfinite(wav).all():
            raise InvalidAudio("The audio must be one channel of finite samples.")
        count = len(wav) // HOP
        if not count:
            return np.zeros(0, np.int32)
        with torch.inference_mode():
            inputs = {name: value.to(self._device) for name, value in features(wav).items()}
            found = self._model.encode(**inputs).audio_codes[0, 0, :count]
        codes: Codes = found.cpu().numpy().astype(np.int32)
        return codes

    def decode(self, batch: Sequence[Codes]) -> list[Waveform]:
        """Decodes items of [n] codes, all of equal length, to as many items of [n * HOP] samples.

        Raises:
            InvalidInput: this checkpoint does not have one of the codes.
            ValueError: the lengths differ. The decoder is bidirectional and has no mask: padding would be audible.
        """
        import torch

        if len({len(codes) for codes in batch}) > 1:
            raise ValueError("only equally long codes can be decoded together")
        if not batch or not len(batch[0]):
            return [np.zeros(0, np.float32) for _ in batch]
        stacked = np.stack(batch).astype(np.int64)
        if stacked.min() < 0 or stacked.max() >= self.codec_size:
            raise InvalidInput(f"The codes must lie between 0 and {self.codec_size - 1}.")
        with torch.inference_mode():
            codes = torch.from_numpy(stacked)[:, None].to(self._device)
            wavs = self._model.decode(codes).audio_values[:, 0].cpu().numpy()
        return [np.ascontiguousarray(wav, dtype=np.float32) for wav in wavs]

    def self_test(self) -> None:
        """Encodes and decodes a second of sound.

        Raises:
            Unavailable: the result is not a finite second of sound.
        """
        time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
        tone = sum(np.sin(2 * np.pi * 150 * harmonic * time) / harmonic for harmonic in range(1, 20))
        codes = self.encode((0.1 * np.asarray(tone)).astype(np.float32))
        valid = len(codes) == SAMPLE_RATE // HOP and codes.min() >= 0 and codes.max() < self.codec_size
        if valid:
            (wav,) = self.decode([codes])
            valid = len(wav) == len(codes) * HOP and bool(np.isfinite(wav).all()) and bool(wav.any())
        if not valid:
            raise Unavailable(
                "The XCodec2 checkpoint fails its round trip: it does not turn sound into codes and back. "
                "Fetch it again, or use HKUSTAudio/xcodec2-hf."
            )


def _config(path: str, where: dict[str, Any]) -> "Xcodec2Config":
    from transformers import AutoConfig, Xcodec2Config

    config = AutoConfig.from_pretrained(path, **where)
    if not isinstance(config, Xcodec2Config):
        raise ValueError(f"it is a {config.model_type} model, not xcodec2")
    if (config.sampling_rate, config.hop_length) != (SAMPLE_RATE, HOP):
        raise ValueError(
            f"it has {config.hop_length} samples a code at {config.sampling_rate} Hz, not {HOP} at {SAMPLE_RATE}"
        )
    return config


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
