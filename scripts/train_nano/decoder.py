"""Step: the codec's decoder, regressed onto the vocoder's magnitudes and phases. No waveform loss is needed."""

import math
import time
from typing import Final

import numpy as np
import torch
from torch import Tensor
from transformers import Xcodec2Model

from . import codec
from .cells import CELLS, Cells
from .diphones import Units
from .muon import Optimiser
from .vocoder import CODES, Vocoder
from .workplace import Curve, Workplace, save

MINUTES: Final = 9.0
_BATCH, _FRAMES = 12, 48


class Strings:
    """Endless strings of codes: pairs that meet, in any voice, and some that never do."""

    def __init__(self, units: Units, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._pairs = list(units.pairs.values())

    def batch(self, count: int, frames: int) -> Tensor:
        codes = self._random.integers(0, CODES, (count, frames))
        for row in codes[: int(count * 0.85)]:
            cells: list[int] = []
            while len(cells) < frames:
                cells += self._pairs[self._random.integers(len(self._pairs))]
            row[:] = np.array(cells[:frames]) + CELLS * self._random.integers(CODES // CELLS)
        return torch.from_numpy(codes)


def spectra(model: Xcodec2Model, codes: Tensor) -> tuple[Tensor, Tensor]:
    """The head's log magnitude and phase, without the silenced parts."""
    decoder = model.acoustic_decoder
    hidden = decoder.fc(model.quantizer.from_codes(codes[..., None]))
    hidden = decoder.embed(hidden.transpose(1, 2)).transpose(1, 2)
    for layer in decoder.layers:
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    log_magnitude, phase = decoder.head.linear(decoder.norm(hidden)).chunk(2, -1)
    return log_magnitude, phase


def train(at: Workplace) -> None:
    done, resume = at.path("decoder.pt"), at.path("decoder.resume")
    if done.exists():
        return
    torch.manual_seed(0)
    cells, units = Cells.load(at.path("cells.npz")), Units.load(at.path("units.json"))
    vocoder = Vocoder.design(cells)
    target, angle = vocoder.log_magnitude.to(at.device), vocoder.phase.to(at.device)
    weight = torch.exp(0.5 * target)
    weight = weight / weight.mean(-1, keepdim=True)
    model = codec.build().to(at.device)
    decoder, project = model.acoustic_decoder, model.quantizer.project_out
    with torch.no_grad():
        decoder.head.linear.bias[:641] = target.mean(0)
        decoder.head.linear.bias[641:] = math.pi * (torch.arange(641, device=at.device) % 2)
        decoder.embed.weight.mul_(0.05)
        decoder.embed.weight[:, :, 3] = torch.eye(decoder.embed.weight.shape[0], device=at.device)
        project.weight.normal_(0, 2.0)
        decoder.fc.weight.normal_(0, decoder.fc.weight.shape[1] ** -0.5)
    matrices: list[Tensor] = [decoder.fc.weight, decoder.embed.weight, decoder.head.linear.weight]
    rest: list[Tensor] = [project.weight, project.bias, decoder.fc.bias, decoder.embed.bias, decoder.head.linear.bias]
    rest += list(decoder.norm.parameters())
    for layer in decoder.layers:
        matrices += list(layer.mlp.parameters())
        rest.append(layer.post_attention_layernorm.weight)
    optimiser = Optimiser(matrices, rest, muon_lr=0.02, adam_lr=2e-3, hold=0.3)
    spent, limit = 0.0, MINUTES * 60 * at.minutes
    if resume.exists():
        state = torch.load(resume, map_location=at.device)
        model.load_state_dict(state["model"])
        optimiser.load(state["optimiser"])
        spent = state["spent"]
    strings, curve = Strings(units, seed=int(spent) + 1), Curve(at.path("decoder.csv"), "step", "magnitude", "phase")
    sums, count, last = np.zeros(2), 0, time.time()
    while spent < limit:
        begin = time.time()
        codes = strings.batch(_BATCH, _FRAMES).to(at.device)
        log_magnitude, phase = spectra(model, codes)
        wrong = log_magnitude - target[codes]
        magnitude_loss = (weight[codes] * (wrong.abs() + 0.3 * wrong * wrong)).mean()
        phase_loss = (weight[codes] * (1 - torch.cos(phase - angle[codes]))).mean()
        (magnitude_loss + phase_loss).backward()
        optimiser.step(spent / limit)
        sums += (magnitude_loss.item(), phase_loss.item())
        count += 1
        spent += time.time() - begin
        if time.time() - last > 30:
            curve.add(step=optimiser.steps, magnitude=sums[0] / count, phase=sums[1] / count)
            save(resume, model=model.state_dict(), optimiser=optimiser.state(), spent=spent)
            sums, count, last = np.zeros(2), 0, time.time()
    save(done, model=model.state_dict())
    resume.unlink(missing_ok=True)
