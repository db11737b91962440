"""XCodec2's encoders, by transformers: they run once for each voice."""

from pathlib import Path

import torch
from transformers import Xcodec2Model

from deployments.xcodec2.features import features
from deployments.xcodec2.protocol import HOP, Codes, Waveform


class Encoder:
    """Both encoders and the quantizer, in float32.

    Args:
        folder: A checkpoint of `Xcodec2Model`.
        device: torch's name of the device.

    Raises:
        ValueError: it does not have all weights.
        Exception: it cannot be read; each library involved has its own kinds.
    """

    def __init__(self, folder: Path, device: str) -> None:
        model, info = Xcodec2Model.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
        # Weights under other names load as random ones, without an error.
        strays = sorted(set(info["missing_keys"]) | set(info["unexpected_keys"]))
        if strays:
            raise ValueError(f"{len(strays)} names differ, such as {strays[0]}")
        del model.acoustic_decoder
        self._model = model.eval().to(device)
        self._device = device

    def tensors(self) -> list[torch.Tensor]:
        """Returns all weights."""
        return [*self._model.parameters(), *self._model.buffers()]

    def __call__(self, wav: Waveform) -> Codes:
        """[samples] at 16 kHz -> [samples // HOP] codes: drops the last, partly padded frame."""
        inputs = {name: value.to(self._device) for name, value in features(wav).items()}
        codes: Codes = self._model.encode(**inputs).audio_codes[0, 0, : len(wav) // HOP].cpu().numpy()
        return codes
