"""Step: the codec's encoder, regressed from audio to the digits of the code, and the references that it hears."""

import json
import time
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import Xcodec2Model

from . import codec
from .cells import CELLS, Cells
from .corpus import Corpus
from .decoder import Strings
from .diphones import Units
from .espeak import Audio
from .frames import HOP
from .muon import Optimiser
from .vocoder import Vocoder
from .workplace import Curve, Workplace, save

MINUTES: Final = 16.0
_BATCH, _FRAMES = 6, 110
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


def hear(model: Xcodec2Model, wave: Tensor) -> tuple[Tensor, Tensor]:
    """Bounded values before rounding, and the state they come from; without the silenced units."""
    heard = codec.acoustic(model, wave)
    meaning = model.semantic_encoder(codec.filterbank(wave)).last_hidden_state
    meaning = model.semantic_adapter(meaning.transpose(1, 2))
    state = model.fc_encoder(torch.cat([meaning, heard], 1).transpose(1, 2))
    quantiser = model.quantizer
    return quantiser.quantizer.bound(quantiser.quantizer.bound(quantiser.project_in(state))), state


@torch.no_grad()
def heard_codes(model: Xcodec2Model, wave: Audio) -> list[int]:
    """What `codec.encode` gives, in a quarter of its time: the silenced units are left out."""
    values, _ = hear(model, torch.from_numpy(codec.pad(wave))[None])
    return [int(code) for code in ((values[0].round() + _LEVELS // 2).long() * _BASIS).sum(-1)]


class Heard:
    """Batches of audio and the codes to hear in it: espeak's voices, and the codec's own voice."""

    def __init__(self, at: Workplace, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._corpus = Corpus(at.root, "train")
        self._strings = Strings(Units.load(at.path("units.json")), seed)
        self._vocoder = Vocoder.design(Cells.load(at.path("cells.npz")))

    def _clip(self) -> tuple[Tensor, Tensor]:
        """A piece of a clip off the grid by up to a third of a code."""
        r, clips = self._random, self._corpus.clips
        clip = clips[r.integers(len(clips))]
        wave = self._corpus.wave(clip)
        codes = np.array(clip.cells) + CELLS * clip.code_voice
        shift, first = int(r.integers(-100, 101)), int(r.integers(0, max(1, len(codes) - _FRAMES)))
        wave = np.pad(wave, (HOP, HOP * (_FRAMES + 2)))
        start = HOP * (first + 1) + shift
        silence = int(codes[-1])
        codes = np.pad(
            codes[first : first + _FRAMES], (0, max(0, _FRAMES - len(codes) + first)), constant_values=silence
        )
        return torch.from_numpy(wave[start : start + HOP * _FRAMES]), torch.from_numpy(codes)

    def batch(self) -> tuple[Tensor, Tensor]:
        r = self._random
        own = self._strings.batch(2, _FRAMES)[:1]
        waves, codes = [self._vocoder.speak(own)[0]], [own[0]]
        for _ in range(_BATCH - 1):
            wave, truth = self._clip()
            waves.append(wave)
            codes.append(truth)
        wave = torch.stack(waves) * torch.tensor(10 ** r.uniform(-0.7, 0.5, (_BATCH, 1)), dtype=torch.float32)
        noise = torch.tensor(10 ** r.uniform(-5, -2.3, (_BATCH, 1)), dtype=torch.float32)
        return wave + noise * torch.randn_like(wave), torch.stack(codes)


@torch.no_grad()
def probe(model: Xcodec2Model, at: Workplace, count: int = 40) -> dict[str, float]:
    """Held-out voices: cells right, mean distance of heard cells against that of any two, pitch and throat right."""
    model.eval()
    held, centres = Corpus(at.root, "held"), Cells.load(at.path("cells.npz")).centres
    right, near, chance, pitch, throat = [], [], [], [], []
    for clip in held.clips[:count]:
        codes = np.array(codec.encode(model, held.wave(clip)))[: len(clip.cells)]
        cells, truth = codes % CELLS, np.array(clip.cells)
        right.append((cells == truth).mean())
        near.append(np.abs(centres[cells] - centres[truth]).mean())
        chance.append(np.abs(centres[np.roll(cells, len(cells) // 2)] - centres[truth]).mean())
        voice = int(np.bincount(codes // CELLS, minlength=12).argmax())
        pitch.append(voice % 4 == clip.code_voice % 4)
        throat.append(voice // 4 == clip.code_voice // 4)
    model.train()
    return {
        "cell": float(np.mean(right)),
        "distance": float(np.mean(near) / np.mean(chance)),
        "pitch": float(np.mean(pitch)),
        "throat": float(np.mean(throat)),
    }


def train(at: Workplace) -> None:
    done, resume = at.path("codec.pt"), at.path("encoder.resume")
    if not done.exists():
        torch.manual_seed(0)
        model = _train(codec.build().to(at.device), at, resume)
        decoded = torch.load(at.path("decoder.pt"))["model"]
        model.load_state_dict(
            {k: v for k, v in decoded.items() if k.startswith(("acoustic_decoder", "quantizer.project_out"))},
            strict=False,
        )
        save(done, model=model.cpu().state_dict())
        resume.unlink(missing_ok=True)
    if not at.path("references.json").exists():
        _references(at)


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
    optimiser = Optimiser(matrices, rest, muon_lr=0.01, adam_lr=2e-3, hold=0.4)
    spent, limit = 0.0, MINUTES * 60 * at.minutes
    if resume.exists():
        state = torch.load(resume, map_location=at.device)
        model.load_state_dict(state["model"])
        helper.load_state_dict(state["helper"])
        optimiser.load(state["optimiser"])
        spent = state["spent"]
    heard, curve = (
        Heard(at, seed=int(spent) + 1),
        Curve(at.path("encoder.csv"), "step", "error", "naming", "cell", "distance", "pitch", "throat"),
    )
    sums, count, last = np.zeros(2), 0, time.time()
    model.train()
    half = (_LEVELS // 2).float().to(at.device)
    while spent < limit:
        begin = time.process_time() if at.device == "cpu" else time.time()
        wave, codes = heard.batch()
        values, state_ = hear(model, wave.to(at.device))
        wanted = digits(codes).to(at.device)
        error = ((values - wanted) ** 2 / half).mean()
        naming = cross_entropy(helper(state_).flatten(0, 1), (codes % CELLS).flatten().to(at.device))
        (0.5 * error + astray(values, wanted).mean() + 0.1 * naming).backward()
        optimiser.step(spent / limit)
        sums += (error.item(), naming.item())
        count += 1
        spent += (time.process_time() if at.device == "cpu" else time.time()) - begin
        if time.time() - last > 60:
            curve.add(step=optimiser.steps, error=sums[0] / count, naming=sums[1] / count, **probe(model, at, 16))
            save(resume, model=model.state_dict(), helper=helper.state_dict(), optimiser=optimiser.state(), spent=spent)
            sums, count, last = np.zeros(2), 0, time.time()
    print(probe(model, at, 120), flush=True)
    return model


def _references(at: Workplace, count: int = 4000) -> None:
    """What the finished encoder hears in the corpus, for the Llama to continue; the voice is the one most heard."""
    from .lm_data import Speaker

    model = codec.build()
    model.load_state_dict(torch.load(at.path("codec.pt"))["model"])
    model.eval()
    corpus, speaker = Corpus(at.root, "train"), Speaker(at.root, seed=0)
    rows = []
    for i, clip in enumerate(corpus.clips[:count]):
        wave = corpus.wave(clip)
        start = int(np.random.default_rng(i).integers(0, 320))
        codes = heard_codes(model, wave[start:])
        rows.append(
            (speaker.sounds(clip.text), codes, int(np.bincount(np.array(codes) // CELLS, minlength=12).argmax()))
        )
    at.path("references.json").write_text(json.dumps(rows, ensure_ascii=False))
