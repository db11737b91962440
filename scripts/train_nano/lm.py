"""Step: the Llama that continues a reference's codes with the target's."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from .cells import CELLS, Cells
from .lm_data import Prompt, Speaker
from .lm_model import HEAD, MATCHING, Learner, build
from .lm_pools import HARD, feed
from .voices import hertz, pitches_of, throats_of
from .workplace import Curve, Workplace, save

MINUTES: Final = 120.0
_UNKNOWN: Final = {"edits": 1.0, "ended": 0.0, "pitch": 0.0, "throat": 0.0}
"""What need not be measured yet."""
SHARPEN: Final = 1.6
"""The head's scale where it ships: a temperature of 0.8 to 1, as people ask of Llasa, is too warm for one so small."""
LIVELY: Final = 0.42
"""How much of that where the next pitch stands: as sharp as the rest, a voice is nearly a monotone."""
_GAZE: Final = 0.4
_MEASURE: Final = 120.0
"""Seconds of training after which it is measured."""
_RATE: Final = {"cpu": 4e-4, "cuda": 1e-3}
"""Of Adam: gentle, for the weights know something already, and Muon moves all their directions alike."""
_WARM: Final = {"cpu": 40, "cuda": 200}
"""Steps until it is reached."""
_BEGINNING, _WEIGHT = 16, 4.0
"""The first codes after a reference decide whether the place is found; each counts as much as four others."""


class Gaze:
    """Where the matching heads of the middle layers look; they are taught to look at the cell that comes next."""

    _HEADS: Final = {1: MATCHING, 2: MATCHING}

    def __init__(self, model: Learner) -> None:
        self._seen: dict[int, tuple[Tensor, tuple[Tensor, Tensor]]] = {}
        self._attentions = {i: model.inner.layers[i].self_attn for i in self._HEADS}
        for i, attention in self._attentions.items():
            attention.register_forward_pre_hook(self._keep(i), with_kwargs=True)

    def _keep(self, layer: int) -> Callable[[object, tuple[Tensor, ...], dict[str, Any]], None]:
        def hook(_: object, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
            self._seen[layer] = (args[0] if args else kwargs["hidden_states"]), kwargs["position_embeddings"]

        return hook

    def loss(self, looks: Tensor, learnt: Tensor) -> Tensor:
        weights = weights_of(learnt)
        total = torch.zeros((), device=looks.device)
        for layer, heads in self._HEADS.items():
            hidden, (cos, sin) = self._seen[layer]
            attention, width = self._attentions[layer], heads * HEAD
            q, k = (
                (hidden @ w[:width].T).view(*hidden.shape[:2], heads, HEAD).transpose(1, 2)
                for w in (attention.q_proj.weight, attention.k_proj.weight)
            )
            q, k = apply_rotary_pos_emb(q, k, cos, sin)
            rows = 1 if looks.device.type == "cpu" else len(looks)  # all rows' scores at once are gigabytes
            for part in range(0, len(looks), rows):
                total = total - self._found(*(x[part : part + rows] for x in (q, k, looks, weights)))
        return total / weights[looks >= 0].sum()

    @staticmethod
    def _found(q: Tensor, k: Tensor, looks: Tensor, weights: Tensor) -> Tensor:
        """Log probability of where to look, by the weights: of [rows, heads, ids, size] and [rows, ids]."""
        first = int((looks >= 0).any(0).nonzero()[0, 0])
        asked, ids = looks[:, first:], torch.arange(looks.shape[1], device=looks.device)
        scores = (q[:, :, first:] @ k.transpose(2, 3)).float() / HEAD**0.5
        scores = scores.masked_fill(ids > ids[first:, None], -torch.inf).log_softmax(-1)
        wanted = asked.clamp(min=0)[:, None, :, None].expand(-1, q.shape[1], -1, -1)
        each: Tensor = scores.gather(3, wanted)[..., 0].mean(1) * weights[:, first:]
        return each[asked >= 0].sum()


def loss_of(model: Learner, prompt: Prompt, inputs: Tensor, targets: Tensor) -> Tensor:
    hidden = model(inputs)
    learnt = targets >= 0
    weights, wanted = weights_of(learnt)[learnt], targets[learnt]
    cells, voices, end = model.scores(hidden[learnt])
    all_codes = cells.logsumexp(1) + voices.logsumexp(1)
    codes = (wanted - prompt.code0).clamp(min=0)
    own = cells.gather(1, (codes % CELLS)[:, None])[:, 0] + voices.gather(1, (codes // CELLS)[:, None])[:, 0]
    each = torch.logaddexp(all_codes, end) - torch.where(wanted == prompt.end, end, own)
    return (each * weights).sum() / weights.sum()


def weights_of(learnt: Tensor) -> Tensor:
    """[batch, ids]: how much each place counts."""
    return 1 + (_WEIGHT - 1) * (learnt & (learnt.cumsum(1) <= _BEGINNING))


@torch.inference_mode()
def continue_codes(model: Learner, prompt: Prompt, ids: list[int], limit: int) -> tuple[list[int], bool]:
    """The likeliest codes after a prompt, and whether END came."""
    said, device = list[int](), model.cells.device
    out = model.inner(inputs_embeds=model.rows(torch.tensor([ids], device=device)), use_cache=True)
    while len(said) < limit:
        cells, voices, end = model.scores(out.last_hidden_state[0, -1:])
        if end[0] > cells.max() + voices.max():
            return said, True
        said.append(int(cells.argmax()) + CELLS * int(voices.argmax()))
        rows = model.rows(torch.tensor([[prompt.code0 + said[-1]]], device=device))
        out = model.inner(inputs_embeds=rows, past_key_values=out.past_key_values, use_cache=True)
    return said, False


def edits(said: list[int], truth: list[int]) -> int:
    """Levenshtein's distance; a machine with a GPU has no library for it."""
    row, places = np.arange(len(truth) + 1), np.arange(len(truth) + 1)
    for i, cell in enumerate(said, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (np.array(truth) != cell))
        row = np.minimum.accumulate(np.concatenate([[i], best]) - places) + places
    return int(row[-1])


def probe(model: Learner, prompt: Prompt, work: Workplace, count: int = 5) -> dict[str, float]:
    """Prompts with a reference, greedily: share of cells wrong, ends found, pitch within 15 %, throat kept."""
    model.eval()
    speaker = Speaker(work.root, seed=10_000_019)
    wrong, total, ended, pitch, throat = 0, 0, 0, 0, 0.0
    for _ in range(count):
        reference = speaker.reference(1.0)
        cells, start = speaker.target(reference.sounds, speaker.text(0.0)[:60])
        truth = cells[start:]
        ids = prompt.ids(cells) + [prompt.code0 + c for c in reference.codes]
        said, end = continue_codes(model, prompt, ids, limit=len(truth) + 60)
        wrong, total, ended = (
            wrong + edits([c % CELLS for c in said], truth),
            total + len(truth),
            ended + end,
        )
        if said:
            voices = np.array(said) // CELLS
            pitch += abs(float(np.median(hertz(pitches_of(voices)))) / reference.manner.pitch - 1) <= 0.15
            throat += float((throats_of(voices) == reference.manner.throat).mean())
    model.train()
    return {"edits": wrong / total, "ended": ended / count, "pitch": pitch / count, "throat": throat / count}


def train(at: Workplace) -> None:
    done, resume = at.path("lm.pt"), at.path("lm.resume")
    if done.exists():
        return
    torch.manual_seed(0)
    prompt = Prompt.of(PreTrainedTokenizerFast.from_pretrained(at.path("tokenizer")))
    state, spent, seen, steps, limit = dict[str, Any](), 0.0, 0, 0, MINUTES * 60 * at.minutes
    if resume.exists():
        state = torch.load(resume, map_location="cpu", weights_only=False)
        spent, seen, steps = state["spent"], state["seen"], state["steps"]
    elif (start := at.path("lm.start")).exists():
        state, seen = torch.load(start, map_location="cpu"), int(HARD)
    pools = feed(at, prompt, seen)
    model = build(prompt, Cells.load(at.path("cells.npz")))
    if state:
        model.load_state_dict(state["model"])
    rate, warm = _RATE[at.device], _WARM[at.device]
    optimiser = torch.optim.AdamW(model.to(at.device).parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.0)
    if "optimiser" in state:
        optimiser.load_state_dict(state["optimiser"])
    curve = Curve(at.path("lm.csv"), "step", "tokens", "loss", "gaze", "edits", "ended", "pitch", "throat")
    gaze, losses = Gaze(model), list[Tensor]()
    last, measured = time.time(), spent
    model.train()
    while spent < limit:
        begin = time.process_time() if at.device == "cpu" else time.time()
        batch = next(pools)
        inputs, targets, looks = (x.to(at.device) for x in (batch.inputs, batch.targets, batch.looks))
        with torch.autocast(at.device, torch.bfloat16):
            loss = loss_of(model, prompt, inputs, targets)
            astray = gaze.loss(looks, targets >= 0)
        (loss + _GAZE * astray).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1.0, (steps + 1) / warm, 0.02 + 1.6 * max(0.0, 1 - spent / limit))
        optimiser.step()
        optimiser.zero_grad()
        steps += 1
        losses.append(torch.stack([loss, astray]).detach())
        seen += inputs.numel()
        spent += (time.process_time() if at.device == "cpu" else time.time()) - begin
        if spent - measured > _MEASURE:
            mean, off = torch.stack(losses).mean(0).tolist()
            found = probe(model, prompt, at) if mean < 2.2 else _UNKNOWN
            curve.add(step=steps, tokens=seen, loss=mean, gaze=off, **found)
            losses, measured = [], spent
        if time.time() - last > 120:
            keep(resume, model, optimiser, spent=spent, seen=seen, steps=steps)
            last = time.time()
    save(done, model=model.state_dict())
    keep(resume, model, optimiser, spent=spent, seen=seen, steps=steps)
    print(probe(model, prompt, at, 20), flush=True)


def keep(path: Path, model: Learner, optimiser: torch.optim.Optimizer, **counts: float) -> None:
    """All that a training goes on from."""
    save(path, model=model.state_dict(), optimiser=optimiser.state_dict(), **counts)
