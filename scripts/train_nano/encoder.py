"""Step: the codec's encoder, regressed from audio to the digits of the code; it need not know the phase."""

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
from .cells import CELLS, NAMES, Cells
from .corpus import Corpus
from .espeak import Audio
from .frames import HOP
from .hearing import Heard, voices_at
from .muon import Optimiser
from .natural import NaturalCorpus
from .phones import EDGE, PHONES
from .voices import nearest_throat, pitches_of, throats_of
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
    missing = len(wave) - len(wave[:pitched])
    parts = [wave.new_zeros(missing, model.acoustic_encoder.conv2.out_channels, wave.shape[1] // HOP)]
    if missing < len(wave):
        parts.insert(0, codec.acoustic(model, wave[:pitched]))
    heard = torch.cat(parts)
    with torch.autocast(wave.device.type, torch.bfloat16, enabled=model.training):  # nearly twice as quick
        meaning = model.semantic_encoder(codec.filterbank(wave)).last_hidden_state
        meaning = model.semantic_adapter(meaning.transpose(1, 2)).float()
    state = model.fc_encoder(torch.cat([meaning, heard], 1).transpose(1, 2))
    quantiser = model.quantizer
    return quantiser.quantizer.bound(quantiser.quantizer.bound(quantiser.project_in(state))), state


@torch.no_grad()
def heard_codes(model: Xcodec2Model, wave: Audio) -> list[int]:
    """What `codec.encode` gives, in a quarter of its time: the silenced units are left out."""
    values, _ = hear(model, torch.from_numpy(codec.pad(wave))[None].to(model.device))
    return [int(code) for code in ((values[0].cpu().round() + _LEVELS // 2).long() * _BASIS).sum(-1)]


@torch.no_grad()
def probe(model: Xcodec2Model, at: Workplace, count: int = 40) -> dict[str, float]:
    """Held-out clips: cells right, sounds right, pitches within a step, throat most heard right."""
    model.eval()
    espeak, natural = Corpus(at.root, "held"), NaturalCorpus(at.root, "held")
    phones = _phones(Cells.load(at.path("cells.npz")))
    found: dict[str, float] = {}
    for kind, clips in (
        ("espeak", [(espeak.wave(c), c.cells, c.pitches, c.throat) for c in espeak.clips[:count]]),
        ("natural", [(natural.wave(c), c.cells, c.pitches, nearest_throat(c.warp)) for c in natural.clips[:count]]),
    ):
        rows = []
        for wave, told, hertz, throat in clips:
            codes = np.array(heard_codes(model, wave))[: len(told)]
            cells, truth, voiced = codes % CELLS, np.array(told)[: len(codes)], np.array(hertz)[: len(codes)] > 0
            wanted = pitches_of(voices_at(np.array(hertz), throat))[: len(codes)]
            heard = pitches_of(codes // CELLS)
            rows.append(
                (
                    (cells == truth).mean(),
                    (phones[cells] == phones[truth]).mean(),
                    (np.abs(heard - wanted) <= 1)[voiced].mean() if voiced.any() else 1.0,
                    np.bincount(throats_of(codes // CELLS), minlength=3).argmax() == throat,
                )
            )
        found |= {f"{kind}_{what}": float(v) for what, v in zip(_WHAT, np.mean(rows, 0), strict=True)}
    model.train()
    return found


def _phones(cells: Cells) -> npt.NDArray[np.int64]:
    """[256]: which sound each cell is of."""
    found = np.empty(CELLS, np.int64)
    found[cells.places] = [(EDGE + PHONES).index(phone) for phone, _ in NAMES]
    return found


_WHAT: Final = ("cell", "sound", "pitch", "throat")
_MEASURED: Final = [f"{k}_{w}" for k in ("espeak", "natural") for w in _WHAT]


def train(at: Workplace) -> None:
    done, resume = at.path("ears.pt"), at.path("encoder.resume")
    if done.exists():
        return
    torch.manual_seed(0)
    model = _train(codec.build().to(at.device), at, resume)
    save(done, model=model.cpu().state_dict())


def trained(at: Workplace) -> dict[str, Tensor]:
    """The codec's weights as they are by now, finished or not; what has not begun yet is as it was built."""
    weights: dict[str, Tensor] = codec.build().state_dict()
    decodes = ("acoustic_decoder", "quantizer.project_out")
    for names, decoder in ((("ears.pt", "encoder.resume"), False), (("decoder.pt", "decoder.resume"), True)):
        found = [at.path(name) for name in names if at.path(name).exists()]
        state: dict[str, Tensor] = torch.load(found[0], map_location="cpu")["model"] if found else {}
        weights |= {name: weight for name, weight in state.items() if name.startswith(decodes) is decoder}
    return weights


@torch.no_grad()
def posteriors(model: Xcodec2Model, helper: nn.Module, wave: Audio) -> Tensor:
    """[frames, 256] log probabilities of the cells."""
    _, state = hear(model, torch.from_numpy(codec.pad(wave))[None].to(model.device), 0)
    return torch.as_tensor(helper(state)[0].log_softmax(-1).cpu())


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
        nn.init.normal_(model.quantizer.project_in.weight, std=0.02)  # what was heard before were other codes
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
        if aligned < sum(share <= spent / limit for share in _REALIGN):
            model.eval()
            heard.realign(lambda wave: posteriors(model, helper, wave))
            model.train()
            aligned += 1
        begin = time.process_time() if at.device == "cpu" else time.time()
        wave, codes = heard.batch()
        values, state_ = hear(model, wave.to(at.device), _PITCHED)
        wanted = digits(codes).to(at.device)
        squared = (values - wanted) ** 2 / half
        error = squared[..., :_CELL_DIGITS].mean() + squared[:_PITCHED, :, _CELL_DIGITS:].mean()
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
