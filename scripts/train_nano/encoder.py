"""Step: the codec's encoder, regressed from audio to the digits of the code."""

import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import Xcodec2Model

from . import codec
from .cells import CELLS, Cells
from .corpus import Corpus
from .espeak import Audio
from .hearing import BATCH, Heard
from .muon import Optimiser
from .natural import NaturalCorpus
from .workplace import Curve, Workplace, save

MINUTES: Final = 40.0
_REALIGN: Final = (0.25, 0.6)
"""Shares of the training after which the natural clips are aligned anew, by what is heard in them."""
_MEASURE: Final = 90.0
"""Seconds of training after which it is measured."""
_PITCHED: Final = 2
"""Of each batch: from so many the pitch and the throat are learnt."""
_CELL_DIGITS: Final = 4
_NEAR: Final = 0.7
_LEVELS: Final = torch.tensor(codec.LEVELS)
_BASIS: Final = torch.cumprod(torch.tensor([1, *codec.LEVELS[:-1]]), 0)


def digits(codes: Tensor) -> Tensor:
    """Where the quantiser's bounded values should be."""
    return (codes[..., None] // _BASIS % _LEVELS - _LEVELS // 2).float()


def astray(values: Tensor, wanted: Tensor) -> Tensor:
    """How far values are from a cell, which beyond a neighbour is all the same.

    Squared distance alone would put a frame that may be either of two cells between them, on a third.
    """
    squared = ((values - wanted)[..., :_CELL_DIGITS] ** 2).sum(-1)
    return 1 - torch.exp(-squared / (2 * _NEAR**2))


def hear(model: Xcodec2Model, wave: Tensor, pitched: int | None = None) -> tuple[Tensor, Tensor]:
    """Bounded values before rounding, and the state they come from; without the silenced units.

    Args:
        model: The codec.
        wave: [batch, samples].
        pitched: How many of the batch the acoustic encoder hears, which is for the pitch and costs the most; all by
            default. The others' cells must do without.
    """
    heard = codec.acoustic(model, wave[:pitched])
    if len(heard) < len(wave):
        heard = torch.cat([heard, heard.new_zeros(len(wave) - len(heard), *heard.shape[1:])])
    with torch.autocast(wave.device.type, torch.bfloat16, enabled=model.training):  # nearly twice as quick
        meaning = model.semantic_encoder(codec.filterbank(wave)).last_hidden_state
        meaning = model.semantic_adapter(meaning.transpose(1, 2)).float()
    state = model.fc_encoder(torch.cat([meaning, heard], 1).transpose(1, 2))
    quantiser = model.quantizer
    return quantiser.quantizer.bound(quantiser.quantizer.bound(quantiser.project_in(state))), state


@torch.no_grad()
def heard_codes(model: Xcodec2Model, wave: Audio) -> list[int]:
    """What `codec.encode` gives, in a quarter of its time: the silenced units are left out."""
    values, _ = hear(model, torch.from_numpy(codec.pad(wave))[None])
    return [int(code) for code in ((values[0].round() + _LEVELS // 2).long() * _BASIS).sum(-1)]


def _voice(codes: npt.NDArray[np.int64]) -> int:
    return int(np.bincount(codes // CELLS, minlength=12).argmax())


@torch.no_grad()
def probe(model: Xcodec2Model, at: Workplace, count: int = 40) -> dict[str, float]:
    """Held-out clips: cells right, mean distance of heard cells against that of any two, pitch and throat right."""
    model.eval()
    espeak, natural = Corpus(at.root, "held"), NaturalCorpus(at.root, "held")
    centres = Cells.load(at.path("cells.npz")).centres
    found: dict[str, float] = {}
    for kind, clips in (
        ("espeak", [(espeak.wave(c), np.array(c.cells), c.code_voice) for c in espeak.clips[:count]]),
        ("natural", [(natural.wave(c), c.cells, c.code_voice) for c in natural.clips[:count]]),
    ):
        right, near, chance, pitch, throat = [], [], [], [], []
        for wave, truth, voice in clips:
            codes = np.array(heard_codes(model, wave))[: len(truth)]
            cells, truth = codes % CELLS, truth[: len(codes)]
            right.append((cells == truth).mean())
            near.append(np.abs(centres[cells] - centres[truth]).mean())
            chance.append(np.abs(centres[np.roll(cells, len(cells) // 2)] - centres[truth]).mean())
            pitch.append(_voice(codes) % 4 == voice % 4)
            throat.append(_voice(codes) // 4 == voice // 4)
        found |= {
            f"{kind}_cell": float(np.mean(right)),
            f"{kind}_distance": float(np.mean(near) / np.mean(chance)),
            f"{kind}_pitch": float(np.mean(pitch)),
            f"{kind}_throat": float(np.mean(throat)),
        }
    model.train()
    return found


_MEASURED: Final = [f"{k}_{w}" for k in ("espeak", "natural") for w in ("cell", "distance", "pitch", "throat")]


def train(at: Workplace) -> None:
    done, resume = at.path("codec.pt"), at.path("encoder.resume")
    if done.exists():
        return
    torch.manual_seed(0)
    model = _train(codec.build().to(at.device), at, resume)
    save(done, model=with_decoder(model.cpu(), at))
    resume.unlink(missing_ok=True)


def with_decoder(model: Xcodec2Model, at: Workplace) -> dict[str, Tensor]:
    """The weights of both halves."""
    decoded = torch.load(at.path("decoder.pt"))["model"]
    own: dict[str, Tensor] = model.state_dict()
    return own | {k: v for k, v in decoded.items() if k.startswith(("acoustic_decoder", "quantizer.project_out"))}


@torch.no_grad()
def posteriors(model: Xcodec2Model, helper: nn.Module, wave: Audio) -> Tensor:
    """[frames, 256] log probabilities of the cells."""
    _, state = hear(model, torch.from_numpy(codec.pad(wave))[None])
    return torch.as_tensor(helper(state)[0].log_softmax(-1))


def _train(model: Xcodec2Model, at: Workplace, resume: Path) -> Xcodec2Model:
    helper = nn.Linear(model.fc_encoder.out_features, CELLS).to(at.device)  # names the cell, to shape the state early
    frozen = {id(p) for unit in codec.skipped(model) for p in unit.parameters()}
    parts = (model.acoustic_encoder, model.fc_encoder, model.semantic_adapter, model.semantic_encoder)
    learnt = [p for part in parts for p in part.parameters() if id(p) not in frozen]
    matrices = [
        p for p in learnt if p.dim() >= 2 and min(p.shape[0], p[0].numel()) >= 64 and p.numel() // p.shape[0] > 32
    ]
    ids = {id(p) for p in matrices}
    rest = [p for p in learnt if id(p) not in ids] + [*model.quantizer.project_in.parameters(), *helper.parameters()]
    optimiser = Optimiser(matrices, rest, muon_lr=0.006, adam_lr=1e-3, hold=0.3)
    spent, limit, aligned = 0.0, MINUTES * 60 * at.minutes, 0
    if not resume.exists() and at.path("ears.start").exists():  # pitch is heard as before
        model.load_state_dict(torch.load(at.path("ears.start"))["model"], strict=False)
    if resume.exists():
        state = torch.load(resume, map_location=at.device)
        model.load_state_dict(state["model"])
        helper.load_state_dict(state["helper"])
        optimiser.load(state["optimiser"])
        spent, aligned = state["spent"], state["aligned"]
    heard = Heard(at, seed=int(spent) + 1)
    curve = Curve(at.path("encoder.csv"), "step", "error", "naming", *_MEASURED)
    sums, count, last, measured = np.zeros(2), 0, time.time(), spent
    model.train()
    half = (_LEVELS // 2).float().to(at.device)
    while spent < limit:
        begin = time.process_time() if at.device == "cpu" else time.time()
        if aligned < sum(share <= spent / limit for share in _REALIGN):
            model.eval()
            heard.realign(lambda wave: posteriors(model, helper, wave))
            model.train()
            aligned += 1
        wave, codes = heard.batch()
        values, state_ = hear(model, wave.to(at.device), _PITCHED)
        wanted = digits(codes).to(at.device)
        squared = (values - wanted) ** 2 / half
        error = squared[..., :_CELL_DIGITS].mean() + 0.5 * squared[:_PITCHED, :, _CELL_DIGITS:].mean()
        naming = cross_entropy(helper(state_).flatten(0, 1), (codes % CELLS).flatten().to(at.device))
        (0.5 * error + astray(values, wanted).mean() + 0.2 * naming).backward()
        optimiser.step(spent / limit)
        sums += (error.item(), naming.item())
        count += 1
        spent += (time.process_time() if at.device == "cpu" else time.time()) - begin
        if spent - measured > _MEASURE:
            curve.add(step=optimiser.steps, error=sums[0] / count, naming=sums[1] / count, **probe(model, at, 24))
            sums, count, measured = np.zeros(2), 0, spent
        if time.time() - last > 120:
            save(
                resume, model=model.state_dict(), helper=helper.state_dict(), optimiser=optimiser.state(),
                spent=spent, aligned=aligned,
            )  # fmt: skip
            last = time.time()
    print(probe(model, at, 120), flush=True)
    return model


__all__ = ["BATCH", "digits", "hear", "heard_codes", "posteriors", "probe", "train", "with_decoder"]
