"""Step: the codec's decoder, regressed onto the vocoder's magnitudes and phases. No waveform loss is needed."""

import math
import time
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import Xcodec2Model

from . import codec
from .cells import CELLS, Cells
from .diphones import Units
from .muon import Optimiser
from .plain_corpus import FRAMES
from .sharpening import sharpen
from .timing import retimed
from .vocoder import Vocoder
from .voices import PHASES, PITCHES, THROATS, VOICES, running, voices_of
from .workplace import Curve, Workplace, save

MINUTES: Final = 40.0
_BATCH: Final = {"cpu": 12, "cuda": 96}
_FRAMES: Final = 48
_USUAL, _SPREAD = (2, 4, 6), 2.0
"""The middle pitch of the voices of each throat, and how far they are from it."""
_STRANGE: Final = 0.03
"""Of the frames: in a voice that nothing led to, so that every code is heard."""
_NATURAL: Final = 0.2
"""Of the pieces: as long as they were spoken. The sounds of the others are as long as a text's."""


class Spoken:
    """Pieces of what the plain voice said: the codes of each, and what they should sound like."""

    def __init__(self, at: Workplace, seed: int) -> None:
        with np.load(at.path(FRAMES)) as file:
            self._harmonics, self._noise, self._voiced = (
                torch.from_numpy(file[name]).to(at.device) for name in ("harmonics", "noise", "voiced")
            )
            natural = file["cells"].astype(np.int64)
        layout = Cells.load(at.path("cells.npz"))
        rows, cells = retimed(natural, layout, Units.load(at.path("units.json")))
        self._natural = len(natural)
        self._rows, self._cells = (
            torch.from_numpy(np.concatenate(both)).to(at.device)
            for both in ((np.arange(len(natural)), rows), (natural, cells))
        )
        self._stages = torch.from_numpy(layout.stages).to(at.device)
        self._random, self._vocoder = np.random.default_rng(seed), Vocoder(at.device)

    def batch(self, count: int, frames: int) -> tuple[Tensor, Tensor, Tensor]:
        """[count, frames] codes, and [count, frames, 641] log magnitude and phase."""
        r, size = self._random, (count, 1)
        natural = r.integers(0, self._natural - frames, size)
        starts = np.where(r.random(size) < _NATURAL, natural, r.integers(self._natural, len(self._rows) - frames, size))
        at = torch.from_numpy((starts + np.arange(frames)).ravel()).to(self._cells.device)
        rows, cells, voices = self._rows[at], self._cells[at], torch.from_numpy(self._voices(count, frames).ravel())
        log_magnitude, phase = self._vocoder.frames(
            whole(self._harmonics[rows]), whole(self._noise[rows]), self._voiced[rows], self._stages[cells], voices
        )
        codes = cells + CELLS * voices.to(cells.device)
        return codes.view(count, frames), log_magnitude.view(count, frames, -1), phase.view(count, frames, -1)

    def _voices(self, count: int, frames: int) -> npt.NDArray[np.int64]:
        """[count, frames]: one throat each, and a pitch that wanders about those that voices of it have."""
        r, size = self._random, (count, frames)
        throats = r.integers(len(THROATS), size=(count, 1))
        first = np.rint(r.normal(np.array(_USUAL)[throats], _SPREAD)).astype(np.int64)
        steps = np.where(r.random(size) < r.uniform(0, 0.35, (count, 1)), r.choice((-1, 1), size), 0)
        pitches = np.clip(first + np.cumsum(steps, 1), 0, PITCHES - 1)
        said = voices_of(pitches, running(pitches, r.integers(PHASES, size=(count, 1))), np.broadcast_to(throats, size))
        return np.asarray(np.where(r.random(size) < _STRANGE, r.integers(0, VOICES, size), said))


def whole(envelopes: Tensor) -> Tensor:
    """[n, 321] to [n, 641]: the bins between are as those beside them."""
    known = envelopes.float()
    between = torch.cat([(known[:, 1:] + known[:, :-1]) / 2, known[:, -1:]], 1)
    return torch.stack([known, between], 2).flatten(1)[:, :-1]


def spectra(model: Xcodec2Model, codes: Tensor) -> tuple[Tensor, Tensor]:
    """The head's log magnitude and phase, without the silenced parts."""
    decoder = model.acoustic_decoder
    hidden = decoder.fc(model.quantizer.from_codes(codes[..., None]))
    hidden = decoder.embed(hidden.transpose(1, 2)).transpose(1, 2)
    for layer in decoder.layers:
        hidden = hidden + layer.mlp(layer.post_attention_layernorm(hidden))
    log_magnitude, phase = decoder.head.linear(decoder.norm(hidden)).float().chunk(2, -1)
    return log_magnitude, phase


def train(at: Workplace) -> None:
    done, resume, start = (at.path(f"decoder.{kind}") for kind in ("pt", "resume", "start"))
    if done.exists():
        return
    torch.manual_seed(0)
    spent, limit = 0.0, MINUTES * 60 * at.minutes
    model = codec.build().to(at.device)
    decoder, project = model.acoustic_decoder, model.quantizer.project_out
    matrices: list[Tensor] = [decoder.fc.weight, decoder.embed.weight, decoder.head.linear.weight]
    rest: list[Tensor] = [project.weight, project.bias, decoder.fc.bias, decoder.embed.bias, decoder.head.linear.bias]
    rest += list(decoder.norm.parameters())
    for layer in decoder.layers:
        matrices += list(layer.mlp.parameters())
        rest.append(layer.post_attention_layernorm.weight)
    state = torch.load(resume, map_location=at.device) if resume.exists() else None
    gentle = state["gentle"] if state else 0.4 if start.exists() else 1.0
    optimiser = Optimiser(matrices, rest, muon_lr=0.02 * gentle, adam_lr=2e-3 * gentle, hold=0.5)
    if state:
        model.load_state_dict(state["model"])
        optimiser.load(state["optimiser"])
        spent = state["spent"]
    elif start.exists():
        known = torch.load(start, map_location=at.device)["model"]
        model.load_state_dict(known, strict=False)
        with torch.no_grad():
            for i, layer in enumerate(decoder.layers):
                if f"acoustic_decoder.layers.{i}.mlp.fc2.weight" not in known:
                    layer.mlp.fc2.weight.zero_()  # it begins as if it were not there
    spoken = Spoken(at, seed=int(spent) + 1)
    if not (state or start.exists()):
        with torch.no_grad():
            _, target, _ = spoken.batch(40, _FRAMES)
            decoder.head.linear.bias[:641] = target.mean((0, 1))
            decoder.head.linear.bias[641:] = math.pi * (torch.arange(641, device=at.device) % 2)
            decoder.embed.weight.mul_(0.3)
            decoder.embed.weight[:, :, 3] += torch.eye(decoder.embed.weight.shape[0], device=at.device)
            project.weight.normal_(0, 2.0)
            decoder.fc.weight.normal_(0, decoder.fc.weight.shape[1] ** -0.5)
    curve = Curve(at.path("decoder.csv"), "step", "magnitude", "phase")
    losses, last, measured = list[Tensor](), time.time(), spent
    while spent < limit:
        begin = time.process_time() if at.device == "cpu" else time.time()
        codes, target, angle = spoken.batch(_BATCH[at.device], _FRAMES)
        weight = torch.exp(0.5 * target)
        weight = weight / weight.mean(-1, keepdim=True)
        with torch.autocast(at.device, torch.bfloat16):
            log_magnitude, phase = spectra(model, codes)
        wrong = log_magnitude - target
        magnitude_loss = (weight * (wrong.abs() + 0.3 * wrong * wrong)).mean()
        phase_loss = (weight * (1 - torch.cos(phase - angle))).mean()
        (magnitude_loss + phase_loss).backward()
        optimiser.step(spent / limit)
        losses.append(torch.stack([magnitude_loss, phase_loss]).detach())
        spent += (time.process_time() if at.device == "cpu" else time.time()) - begin
        if spent - measured > 45:
            magnitude_loss, phase_loss = torch.stack(losses).mean(0)
            curve.add(step=optimiser.steps, magnitude=float(magnitude_loss), phase=float(phase_loss))
            losses, measured = [], spent
        if time.time() - last > 90:
            save(resume, model=model.state_dict(), optimiser=optimiser.state(), spent=spent, gentle=gentle)
            last = time.time()
    save(resume, model=model.state_dict(), optimiser=optimiser.state(), spent=spent, gentle=gentle)
    finish(model, spoken)
    save(done, model=model.state_dict())


@torch.no_grad()
def finish(model: Xcodec2Model, spoken: Spoken) -> None:
    """Sharpens what was learnt."""
    batches = [spoken.batch(_BATCH["cpu"], _FRAMES) for _ in range(16)]
    made = torch.cat([spectra(model, codes)[0].flatten(0, 1) for codes, _, _ in batches])
    wanted = torch.cat([target.flatten(0, 1) for _, target, _ in batches])
    sharpen(model.acoustic_decoder.head.linear, made, wanted)
