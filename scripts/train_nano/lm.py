"""Step: the Llama that continues a reference's codes with the target's."""

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from .cells import CELLS, Cells
from .lm_data import Batch, Prompt, Speaker, batches
from .muon import Optimiser
from .vocoder import CODES
from .workplace import Curve, Workplace, save

MINUTES: Final = 20.0
_TOKENS: Final = 4000
_UNKNOWN: Final = {"edits": 1.0, "ended": 0.0, "voice": 0.0}
"""What need not be measured yet."""
_HARD: Final = 5e6
"""Tokens after which sentences are as long and references as many as they will be."""
_GAZE: Final = 0.4
_WIDTH, _LAYERS, _INNER, _HEAD = 192, 4, 576, 64
_THETA: Final = 1e7
"""Slow enough that half of a head's dimensions do not turn within a sentence: those are the ones that find a place."""


def build(vocabulary: int, prompt: Prompt, cells: Cells) -> LlamaForCausalLM:
    """Weights that know already which codes sound alike, and which of them a token of text is."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=_WIDTH,
        intermediate_size=_INNER,
        num_hidden_layers=_LAYERS,
        num_attention_heads=_WIDTH // _HEAD,
        num_key_value_heads=_WIDTH // _HEAD,
        head_dim=_HEAD,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": _THETA},
        bos_token_id=prompt.before[0],
        eos_token_id=prompt.end,
        pad_token_id=prompt.pad,
    )
    model = LlamaForCausalLM(config)
    centres = torch.from_numpy(cells.centres)
    centres = (centres - centres.mean(0)) / centres.std()
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        table.normal_(0, 0.05)
        cell = 0.03 * torch.randn(CELLS, _WIDTH) + 0.006 * centres @ torch.randn(centres.shape[1], _WIDTH)
        voice = 0.035 * torch.randn(CODES // CELLS, _WIDTH)
        table[prompt.code0 :] = (cell[None] + voice[:, None]).reshape(CODES, _WIDTH) + 0.005 * torch.randn(
            CODES, _WIDTH
        )
        table[prompt.cell0 : prompt.cell0 + CELLS] = 1.5 * cell  # what is read is like what is said
        for layer in model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            for linear in (attention.q_proj, attention.k_proj, attention.v_proj, mlp.gate_proj, mlp.up_proj):
                linear.weight.normal_(0, _WIDTH**-0.5)
            attention.o_proj.weight.normal_(0, _WIDTH**-0.5 / (2 * _LAYERS) ** 0.5)
            mlp.down_proj.weight.normal_(0, _INNER**-0.5 / (2 * _LAYERS) ** 0.5)
    return model


class Gaze:
    """Where heads of the middle layers look; they are taught to look at the sound that comes next.

    Left to itself the model takes most of its training to find that the text can be read along.
    """

    _HEADS: Final = {1: 1, 2: 2}

    def __init__(self, model: LlamaForCausalLM) -> None:
        self._seen: dict[int, tuple[Tensor, tuple[Tensor, Tensor]]] = {}
        self._attentions = {i: model.model.layers[i].self_attn for i in self._HEADS}
        for i, attention in self._attentions.items():
            attention.register_forward_pre_hook(self._keep(i), with_kwargs=True)

    def _keep(self, layer: int) -> Callable[[object, tuple[Tensor, ...], dict[str, Any]], None]:
        def hook(_: object, args: tuple[Tensor, ...], kwargs: dict[str, Any]) -> None:
            self._seen[layer] = (args[0] if args else kwargs["hidden_states"]), kwargs["position_embeddings"]

        return hook

    def loss(self, looks: Tensor) -> Tensor:
        rows, columns = (looks >= 0).nonzero(as_tuple=True)
        aim = looks[rows, columns]
        total = torch.zeros((), device=looks.device)
        for layer, heads in self._HEADS.items():
            hidden, (cos, sin) = self._seen[layer]
            attention, width = self._attentions[layer], heads * _HEAD
            q, k = (
                (hidden @ w[:width].T).view(*hidden.shape[:2], heads, _HEAD).transpose(1, 2)
                for w in (attention.q_proj.weight, attention.k_proj.weight)
            )
            q, k = apply_rotary_pos_emb(q, k, cos, sin)
            scores = q @ k.transpose(2, 3) / _HEAD**0.5
            scores = scores + torch.full(scores.shape[2:], -torch.inf, device=looks.device).triu(1)
            total = total - scores.log_softmax(-1)[rows, :, columns, aim].mean()
        return total


def loss_of(model: LlamaForCausalLM, inputs: Tensor, targets: Tensor) -> Tensor:
    hidden = model.model(input_ids=inputs, use_cache=False).last_hidden_state
    learnt = targets >= 0
    return cross_entropy(model.lm_head(hidden[learnt]), targets[learnt])


@torch.inference_mode()
def continue_codes(
    model: LlamaForCausalLM, prompt: Prompt, ids: list[int], limit: int, temperature: float = 0.0, seed: int = 0
) -> tuple[list[int], bool]:
    """Codes after a prompt, and whether END came."""
    generator = torch.Generator().manual_seed(seed)
    said: list[int] = []
    out = model(torch.tensor([ids]), use_cache=True)
    while len(said) < limit:
        logits = out.logits[0, -1]
        if temperature:
            allowed = torch.full_like(logits, -torch.inf)
            allowed[prompt.code0 :], allowed[prompt.end] = logits[prompt.code0 :], logits[prompt.end]
            chosen = int(torch.multinomial((allowed / temperature).softmax(-1), 1, generator=generator))
        else:
            chosen = prompt.code0 + int(logits[prompt.code0 :].argmax())
            chosen = prompt.end if logits[prompt.end] > logits[chosen] else chosen
        if chosen == prompt.end:
            return said, True
        said.append(chosen - prompt.code0)
        out = model(torch.tensor([[chosen]]), past_key_values=out.past_key_values, use_cache=True)
    return said, False


def distance(a: list[int], b: list[int]) -> int:
    """Edits from one string to another."""
    row = np.arange(len(b) + 1)
    other = np.array(b)
    for i, x in enumerate(a, 1):
        new = np.minimum(row[1:] + 1, row[:-1] + (other != x))
        new = np.concatenate(([i], new))
        row = np.minimum.accumulate(new - np.arange(len(new))) + np.arange(len(new))
    return int(row[-1])


def probe(model: LlamaForCausalLM, prompt: Prompt, work: Workplace, count: int = 5) -> dict[str, float]:
    """Held-out prompts with a reference, greedily: share of codes wrong, ends found, voice kept."""
    model.eval()
    speaker = Speaker(work.root, seed=10_000_019)
    wrong, total, ended, kept = 0, 0, 0, 0.0
    for _ in range(count):
        reference = speaker.reference(1.0)
        voice = reference.voice
        cells, start = speaker.target(reference.sounds, speaker.text(0.0)[:60])
        truth = [CELLS * voice + c for c in cells[start:]]
        ids = prompt.ids(cells) + [prompt.code0 + c for c in reference.codes]
        said, end = continue_codes(model.cpu(), prompt, ids, limit=len(truth) + 60)
        wrong, total, ended = (
            wrong + distance([c % CELLS for c in said], [c % CELLS for c in truth]),
            total + len(truth),
            ended + end,
        )
        kept += float(np.mean([c // CELLS == voice for c in said])) if said else 0.0
    model.to(work.device).train()
    return {"edits": wrong / total, "ended": ended / count, "voice": kept / count}


def train(at: Workplace) -> None:
    done, resume = at.path("lm.pt"), at.path("lm.resume")
    if done.exists():
        return
    torch.manual_seed(0)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(at.path("tokenizer"))
    prompt = Prompt.of(tokenizer)
    model = build(len(tokenizer), prompt, Cells.load(at.path("cells.npz"))).to(at.device)
    table = model.model.embed_tokens.weight
    matrices: list[Tensor] = [p for p in model.parameters() if p.dim() == 2 and p is not table]
    optimiser = Optimiser(
        matrices, [table, *(p for p in model.parameters() if p.dim() == 1)], muon_lr=0.02, adam_lr=3e-3
    )
    spent, seen, limit = 0.0, 0, MINUTES * 60 * at.minutes
    if resume.exists():
        state = torch.load(resume, map_location=at.device, weights_only=False)
        model.load_state_dict(state["model"])
        optimiser.load(state["optimiser"])
        spent, seen = state["spent"], state["seen"]
    speaker = Speaker(at.root, seed=seen + 1)
    curve = Curve(at.path("lm.csv"), "step", "tokens", "loss", "gaze", "edits", "ended", "voice")
    gaze, losses, last, pool = Gaze(model), list[tuple[float, float]](), time.time(), list[Batch]()
    model.train()
    while spent < limit:
        begin = time.process_time() if at.device == "cpu" else time.time()
        if not pool:
            speaker.refresh()
            pool = batches(speaker, prompt, min(1.0, seen / _HARD), _TOKENS)
        batch = pool.pop()
        loss = loss_of(model, batch.inputs.to(at.device), batch.targets.to(at.device))
        astray = gaze.loss(batch.looks.to(at.device))
        (loss + _GAZE * astray).backward()
        optimiser.step(spent / limit)
        losses.append((loss.item(), astray.item()))
        seen += batch.inputs.numel()
        spent += (time.process_time() if at.device == "cpu" else time.time()) - begin
        if time.time() - last > 240:
            curve.add(
                step=optimiser.steps,
                tokens=seen,
                loss=float(np.mean(losses, 0)[0]),
                gaze=float(np.mean(losses, 0)[1]),
                **(probe(model, prompt, at) if np.mean(losses, 0)[0] < 1.2 else _UNKNOWN),
            )
            save(resume, model=model.state_dict(), optimiser=optimiser.state(), spent=spent, seen=seen)
            losses, last = [], time.time()
    print(probe(model, prompt, at, 40), flush=True)
    save(done, model=model.state_dict())
    save(resume, model=model.state_dict(), optimiser=optimiser.state(), spent=spent, seen=seen)
