"""The nano Llama, whose weights begin as a reader: what takes most of a training to be found is put there at the start.

The first layer keeps the last codes said, at six distances (`_BACK`), and beside every token of text
the ones before it; the second looks for the place in the text that is preceded by the same, and copies what stands
there, in the voice that has spoken so far. It is a plain Llama with every weight free to learn: the reference, whose
cells are misheard and whose tempo is another, is left to the training.
"""

from typing import Final

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from .cells import CELLS, Cells
from .lm_data import Prompt
from .vocoder import CODES

WIDTH, LAYERS, INNER, HEADS, HEAD = 288, 4, 384, 6, 64
THETA: Final = 1e12
"""So slow that most dimensions of a head do not turn within a prompt: they compare content, the others place."""
MATCHING: Final = 3
"""Heads of the second and third layer that look along the text."""
_BACK: Final = (0, 1, 3, 6, 11, 20)
"""How far, as the one counts who is about to say the next code; before a token of text it is one more."""
_MEANS: Final = ((0, 8), (9, 27))
"""Stretches whose mean the second layer keeps for the third: a misheard reference is found again by these."""
_PLACES: Final = 10
"""Pairs of a head's dimensions that turn fast enough to tell places."""
_CELL, _WINDOW, _VOICES = 64, 16, CODES // CELLS
_HISTORY: Final = slice(_CELL, _CELL + len(_BACK) * _WINDOW)
_COPIED: Final = slice(_HISTORY.stop, _HISTORY.stop + _CELL)
_VOICE: Final = slice(_COPIED.stop, _COPIED.stop + _VOICES)
_HEARD: Final = slice(_VOICE.stop, _VOICE.stop + _VOICES)
_GIST: Final = slice(_HEARD.stop, _HEARD.stop + len(_MEANS) * _WINDOW)
_TEXT, _SPEECH, _START = range(WIDTH - 3, WIDTH)
"""Which dimensions of the residual stream hold what, to begin with."""
_SURE: Final = 24.0
_APART: Final = 40.0
"""Scores of what is surely so."""
_AFTER: Final = (WIDTH / (1.25 + len(_BACK) * 0.36)) ** 0.5
"""What the norm makes of a length of one, after the first layer."""


def build(vocabulary: int, prompt: Prompt, cells: Cells) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        bos_token_id=prompt.before[0],
        eos_token_id=prompt.end,
        pad_token_id=prompt.pad,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for layer in model.model.layers:
            attention, mlp = layer.self_attn, layer.mlp
            for linear in (attention.q_proj, attention.k_proj, attention.v_proj, mlp.gate_proj, mlp.up_proj):
                linear.weight.normal_(0, WIDTH**-0.5)
            attention.o_proj.weight.zero_()
            mlp.down_proj.weight.zero_()
        _name(model, prompt, cells)
        _remember(model)
        _match(model)
    return model


def _name(model: LlamaForCausalLM, prompt: Prompt, cells: Cells) -> None:
    """What every token is: its cell, its voice, and whether it is read or said. The head reads what was copied."""
    table, head = model.model.embed_tokens.weight, model.lm_head.weight
    table.normal_(0, 0.01)
    head.normal_(0, 0.01)
    centres = torch.from_numpy(cells.centres)
    centres = (centres - centres.mean(0)) / centres.std()
    alike = centres @ torch.randn(centres.shape[1], _CELL)
    signs = _unit(_unit(torch.randn(CELLS + 2, _CELL)) + 0.5 * _unit(torch.cat([alike, torch.zeros(2, _CELL)])))
    begin, end = signs[CELLS], signs[CELLS + 1]
    text, codes = slice(prompt.cell0, prompt.cell0 + CELLS), slice(prompt.code0, prompt.code0 + CODES)
    table[text, :_CELL] += signs[:CELLS]
    table[codes, :_CELL] += signs[:CELLS].repeat(_VOICES, 1)
    table[codes, _VOICE] += torch.eye(_VOICES).repeat_interleave(CELLS, 0)
    table[prompt.before[-1], :_CELL] += begin
    table[prompt.after[-1], :_CELL] += begin
    table[prompt.after[0], :_CELL] += end
    for read in (text, prompt.before[-1], prompt.after[0]):
        table[read, _TEXT] += 0.5
    table[prompt.before[-1], _START] += 0.5
    for said in (codes, prompt.after[-1]):
        table[said, _SPEECH] += 0.5
    head[codes, _COPIED] += 2 * signs[:CELLS].repeat(_VOICES, 1)
    head[codes, _HEARD] += 1.5 * torch.eye(_VOICES).repeat_interleave(CELLS, 0)
    head[prompt.end, _COPIED] += 2 * end
    head[prompt.end, _HEARD] += 1.5 * 0.7


def _remember(model: LlamaForCausalLM) -> None:
    """What stood before: at several distances for the first layer, in the mean of some for the second."""
    for layer, stretches, into, gain, size in (
        (0, [(back, back) for back in _BACK], _HISTORY, 0.6, (WIDTH / 1.25) ** 0.5),
        (1, _MEANS, _GIST, 1.0, _AFTER),
    ):
        for i, (first, last) in enumerate(stretches):
            q, k, v, o = _parts(model.model.layers[layer].self_attn, i + (MATCHING + 1) * layer)
            q.zero_(), k.zero_(), v.zero_()
            for flag, more in ((_TEXT, 1), (_SPEECH, 0)):
                turns = _looking(first + more, last + more)
                q[:_PLACES, flag], q[HEAD // 2 : HEAD // 2 + _PLACES, flag] = turns.real, turns.imag
                k[:_PLACES, flag] = 1.0
                own = HEAD // 2 - 1 if flag == _TEXT else HEAD - 1
                q[own, flag], k[own, flag] = _APART, 1.0
            q *= HEAD**0.5 / size / 0.5
            k /= size * 0.5
            v[:, :_CELL] = torch.eye(_CELL)
            begin = into.start + i * _WINDOW
            o[begin : begin + _WINDOW] = gain / size * (_CELL / _WINDOW) ** 0.5 * _orthonormal(_WINDOW, HEAD)


def _match(model: LlamaForCausalLM) -> None:
    """The second layer and the third: the place in the text with the same before it, what stands there; the voice."""
    slow = [i + half for half in (0, HEAD // 2) for i in range(_PLACES, HEAD // 2 - 1)]
    for layer, known in (
        (1, range(*_HISTORY.indices(WIDTH))),
        (2, [*range(*_HISTORY.indices(WIDTH)), *range(*_GIST.indices(WIDTH))]),
    ):
        for head in range(MATCHING):
            q, k, v, o = _parts(model.model.layers[layer].self_attn, head)
            q.zero_(), k.zero_(), v.zero_()
            alike = _orthonormal(len(slow), len(known))
            gain = (_SURE * HEAD**0.5 / (_AFTER**2 * 6 * 0.36 * len(slow) / len(known))) ** 0.5
            for i, row in enumerate(slow):
                q[row, known], k[row, known] = gain * alike[i], gain * alike[i]
            q[HEAD - 1, _SPEECH], k[HEAD - 1, _TEXT] = HEAD**0.5 * 10 / _AFTER / 0.5, 1 / _AFTER / 0.5
            k[HEAD - 1, _START] = -2 / _AFTER / 0.5
            v[:, :_CELL] = torch.eye(_CELL)
            o[_COPIED] = 0.75 / MATCHING / _AFTER * torch.eye(_CELL)
    q, k, v, o = _parts(model.model.layers[1].self_attn, MATCHING)
    q.zero_(), k.zero_(), v.zero_()
    q[HEAD - 1, _SPEECH], k[HEAD - 1, _SPEECH] = HEAD**0.5 * 10 / _AFTER / 0.5, 1 / _AFTER / 0.5
    v[:_VOICES, _VOICE] = torch.eye(_VOICES)
    o[_HEARD, :_VOICES] = 1.5 / _AFTER * torch.eye(_VOICES)


def _parts(attention: torch.nn.Module, head: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One head's rows of q, k and v, and its columns of o."""
    rows = slice(head * HEAD, (head + 1) * HEAD)
    q, k, v, o = (getattr(attention, f"{name}_proj").weight for name in "qkvo")
    return q[rows], k[rows], v[rows], o[:, rows]


def _looking(first: int, last: int) -> Tensor:
    """[_PLACES] complex: the query that looks `first` to `last` tokens back, by the places alone."""
    with torch.enable_grad():
        places = torch.arange(1024.0)
        turn = torch.polar(torch.ones(1024, _PLACES), places[:, None] * THETA ** (-torch.arange(_PLACES) / (HEAD // 2)))
        query = torch.zeros(_PLACES, 2, requires_grad=True)
        search = torch.optim.LBFGS([query], max_iter=300, history_size=20, line_search_fn="strong_wolfe")

        def miss() -> Tensor:
            search.zero_grad()
            score = (turn * torch.view_as_complex(query)).real.sum(1)
            loss = -score.log_softmax(0)[first : last + 1].mean() + 1e-5 * (query**2).sum()
            loss.backward()
            return loss

        search.step(miss)
    return torch.view_as_complex(query.detach())


def _orthonormal(rows: int, columns: int) -> Tensor:
    basis: Tensor = torch.linalg.qr(torch.randn(columns, rows))[0]
    return basis.T


def _unit(x: Tensor) -> Tensor:
    unit: Tensor = x / x.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    return unit
