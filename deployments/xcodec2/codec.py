"""Runs XCodec2 on one device, synchronously: one waveform to codes, codes of equal length to waveforms."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import torch

from deployments.errors import InvalidAudio, InvalidInput, Unavailable
from deployments.xcodec2.decoder import Decoder
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE, Codes, Waveform

if TYPE_CHECKING:
    from deployments.xcodec2.encoder import Encoder


class Xcodec2Codec:
    """A loaded checkpoint in fp32. Not for concurrent use: call it from one thread at a time.

    On a CPU the encoder is loaded when it is first needed: most wakes are for voices whose codes are stored, and it
    needs transformers, whose import takes longer than everything else. A GPU's memory is planned for both.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._folder = folder
        self._device = device
        # An engine in the same process has a stream, too: neither waits for the other.
        self._stream = torch.cuda.Stream(device) if torch.device(device).type == "cuda" else None
        with torch.cuda.stream(self._stream):
            self._decoder = Decoder(folder, device)
        self._encoder: Encoder | None = None
        self._loading = threading.Lock()
        self.codec_size = self._decoder.codec_size
        """Number of codes."""

    @classmethod
    def load(cls, path: str, device: str = "cpu") -> Self:
        """Loads a checkpoint of transformers' `Xcodec2Model` and tests it.

        Args:
            path: A local folder.
            device: torch's name of the device.

        Raises:
            Unavailable: the checkpoint does not exist, or this service cannot use it.
        """
        try:
            codec = cls(Path(path), device)
        except Exception as error:  # each library involved has its own kinds
            raise _unusable(path, error) from error
        codec.self_test()
        if device != "cpu":
            codec.load_encoder()
        return codec

    def tensors(self) -> list[torch.Tensor]:
        """Returns all weights."""
        return self._decoder.tensors() + (self._encoder.tensors() if self._encoder else [])

    def load_encoder(self) -> "Encoder":
        """Loads what `encode` needs and tests it, once. May run in another thread while the codec decodes.

        Raises:
            Unavailable: the checkpoint does not have it.
        """
        from deployments.xcodec2.encoder import Encoder

        with self._loading:
            if self._encoder is None:
                try:
                    encoder = Encoder(self._folder, self._device)
                except Exception as error:  # each library involved has its own kinds
                    raise _unusable(str(self._folder), error) from error
                with torch.inference_mode():  # the mode belongs to a thread
                    codes = encoder(_tone())
                if not (len(codes) == SAMPLE_RATE // HOP and codes.min() >= 0 and codes.max() < self.codec_size):
                    raise _mute()
                self._encoder = encoder
            return self._encoder

    def encode(self, wav: Waveform) -> Codes:
        """[samples] at 16 kHz -> [samples // HOP] codes: drops the last, partly padded frame.

        Raises:
            InvalidAudio: the waveform is not one channel of finite samples.
            Unavailable: the checkpoint has no encoder that works.
        """
        if wav.ndim != 1 or not np.isfinite(wav).all():
            raise InvalidAudio("The audio must be one channel of finite samples.")
        if len(wav) < HOP:
            return np.zeros(0, np.int32)
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            return self.load_encoder()(wav)

    def decode(self, batch: Sequence[Codes], start: int = 0) -> list[Waveform]:
        """Decodes items of [n] codes, all of equal length, to as many items of [(n - start) * HOP] samples.

        Args:
            batch: Codes of each item.
            start: Codes that only serve as context, at the beginning of each item.

        Raises:
            InvalidInput: this checkpoint does not have one of the codes.
            ValueError: the lengths differ. The decoder is bidirectional and has no mask: padding would be audible.
        """
        if len({len(codes) for codes in batch}) > 1:
            raise ValueError("only equally long codes can be decoded together")
        if not batch or len(batch[0]) == start:
            return [np.zeros(0, np.float32) for _ in batch]
        stacked = np.stack(batch).astype(np.int64)
        if stacked.min() < 0 or stacked.max() >= self.codec_size:
            raise InvalidInput(f"The codes must lie between 0 and {self.codec_size - 1}.")
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            wavs = self._decoder(torch.from_numpy(stacked).to(self._device), start).cpu().numpy()
        return [*wavs]

    def self_test(self) -> None:
        """Decodes a second of codes.

        Raises:
            Unavailable: the result is not a finite second of sound.
        """
        (wav,) = self.decode([np.arange(SAMPLE_RATE // HOP, dtype=np.int32) * 37 % self.codec_size])
        if not (np.isfinite(wav).all() and wav.any()):
            raise _mute()


def _tone() -> Waveform:
    """A second of a buzz."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * 150 * harmonic * time) / harmonic for harmonic in range(1, 20))
    return (0.1 * np.asarray(tone)).astype(np.float32)


def _unusable(path: str, error: Exception) -> Unavailable:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return Unavailable(
        f"The XCodec2 checkpoint {path!r} cannot be loaded ({line}). It must hold the weights of transformers' "
        "Xcodec2Model: check the path, use HKUSTAudio/xcodec2-hf, or convert it."
    )


def _mute() -> Unavailable:
    return Unavailable(
        "The XCodec2 checkpoint fails its round trip: it does not turn sound into codes and back. "
        "Fetch it again, or use HKUSTAudio/xcodec2-hf."
    )
