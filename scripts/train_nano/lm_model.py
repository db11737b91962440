"""The nano Llama, whose weights begin as a reader: what takes most of a training to be found is put there at the start.

The first layer keeps the last codes said, at six distances (`_BACK`), and beside every token of text
the ones before it; the second looks for the place in the text that is preceded by the same, and copies what stands
there, in the throat that has spoken so far. It is a plain Llama with every weight free to learn: the reference, whose
cells are misheard and whose tempo is another, is left to the training.

While it learns, a code's row of the table, which is also the head's, is the sum of its cell's and its voice's: a few
hundred rows then stand for twenty-seven thousand.
"""

from typing import Final

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM

from .cells import CELLS, Cells
from .lm_data import Prompt
from .vocoder import CODES
from .voices import PHASES, PITCHES, THROATS, VOICES, phases_of, pitches_of, throats_of

WIDTH, LAYERS, INNER, HEADS, HEAD = 324, 4, 384, 6, 64
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
_CELL, _WINDOW = 64, 16
_STATES: Final = PITCHES * PHASES
_HISTORY: Final = slice(_CELL, _CELL + len(_BACK) * _WINDOW)
_COPIED: Final = slice(_HISTORY.stop, _HISTORY.stop + _CELL)
_OWN: Final = slice(_COPIED.stop, _COPIED.stop + PITCHES + PHASES + len(THROATS))
"""Pitch, phase and throat of the code itself."""
NEXT: Final = slice(_OWN.stop, _OWN.stop + _STATES)
"""Pitch and phase of the next one."""
_HEARD: Final = slice(NEXT.stop, NEXT.stop + len(THROATS))
_GIST: Final = slice(_HEARD.stop, _HEARD.stop + len(_MEANS) * _WINDOW)
_TEXT, _SPEECH, _START = range(WIDTH - 3, WIDTH)
"""Which dimensions of the residual stream hold what, to begin with."""
_SURE: Final = 24.0
_APART: Final = 40.0
"""Scores of what is surely so."""
_SAME: Final = 0.35
"""How much of a code's own sign is among what it seems to copy: most codes are followed by their like."""
_OF_CODE: Final = 1 + _SAME**2 + 3 * 0.5**2 + 0.25 + 2 * _SAME**2
_AFTER: Final = (WIDTH / (_OF_CODE + len(_BACK) * 0.36)) ** 0.5
"""What the norm makes of a length of one, after the first layer."""


class Learner(nn.Module):
    """The Llama while it learns."""

    def __init__(self, model: LlamaForCausalLM, prompt: Prompt) -> None:
        super().__init__()
        self.inner = model.model
        self.inner.embed_tokens = nn.Identity()
        self._config, self._code0, self._end = model.config, prompt.code0, prompt.end
        self.others = nn.Parameter(torch.empty(prompt.code0, WIDTH).normal_(0, 0.01))
        self.cells = nn.Parameter(torch.empty(CELLS, WIDTH).normal_(0, 0.01))
        self.voices = nn.Parameter(torch.empty(VOICES, WIDTH).normal_(0, 0.01))

    def rows(self, ids: Tensor) -> Tensor:
        codes = (ids - self._code0).clamp(min=0)
        said = self.cells[codes % CELLS] + self.voices[codes // CELLS]
        return torch.where((ids < self._code0)[..., None], self.others[ids.clamp(max=self._code0 - 1)], said)

    def forward(self, ids: Tensor) -> Tensor:
        """[batch, ids, width]: the last states."""
        return torch.as_tensor(self.inner(inputs_embeds=self.rows(ids), use_cache=False).last_hidden_state)

    def scores(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log odds of the cells, of the voices, and of the end. A code's are those of its cell and voice together."""
        return (
            (hidden @ self.cells.T).float(),
            (hidden @ self.voices.T).float(),
            (hidden @ self.others[self._end]).float(),
        )

    @torch.no_grad()
    def whole(self) -> LlamaForCausalLM:
        """As it ships: every code with a row of its own."""
        config = LlamaConfig(**self._config.to_dict())
        model = LlamaForCausalLM(config)
        table = torch.cat([self.others, (self.voices[:, None] + self.cells).flatten(0, 1)])
        model.model.embed_tokens.weight.copy_(table)
        own = {k: v for k, v in self.inner.state_dict().items() if not k.startswith("embed_tokens")}
        model.model.load_state_dict(own, strict=False)
        model.tie_weights()
        return model


def build(prompt: Prompt, cells: Cells) -> Learner:
    config = LlamaConfig(
        vocab_size=prompt.code0 + CODES,
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=HEAD,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": THETA},
        bos_token_id=prompt.before[0],
        eos_token_id=prompt.end,
        pad_token_id=prompt.pad,
    )
    speaker = Learner(LlamaForCausalLM(config), prompt)
    with torch.no_grad():
        for layer in speaker.inner.layers:
            attention, mlp = layer.self_attn, layer.mlp
            for linear in (attention.q_proj, attention.k_proj, attention.v_proj, mlp.gate_proj, mlp.up_proj):
                linear.weight.normal_(0, WIDTH**-0.5)
            attention.o_proj.weight.zero_()
            mlp.down_proj.weight.zero_()
        _name(speaker, prompt, cells)
        _remember(speaker)
        _match(speaker)
    return speaker


def _name(speaker: Learner, prompt: Prompt, cells: Cells) -> None:
    """What every token is: its cell, its voice, and whether it is read or said. The head reads what was copied."""
    others = speaker.others
    centres = torch.from_numpy(cells.centres)
    centres = (centres - centres.mean(0)) / (centres.std(0) + 1e-3)
    alike = centres @ torch.randn(centres.shape[1], _CELL)
    signs = _unit(_unit(torch.randn(CELLS + 2, _CELL)) + 0.5 * _unit(torch.cat([alike, torch.zeros(2, _CELL)])))
    begin, end = signs[CELLS], signs[CELLS + 1]
    text = slice(prompt.cell0, prompt.cell0 + CELLS)
    others[text, :_CELL] += signs[:CELLS]
    speaker.cells[:, :_CELL] += signs[:CELLS]
    speaker.cells[:, _COPIED] += _SAME * signs[:CELLS]
    which = torch.arange(VOICES).numpy()
    pitches, phases, throats = (torch.as_tensor(f(which)) for f in (pitches_of, phases_of, throats_of))
    own = torch.cat(
        [nn.functional.one_hot(x, n) for x, n in ((pitches, PITCHES), (phases, PHASES), (throats, len(THROATS)))], 1
    )
    speaker.voices[:, _OWN] += 0.5 * own
    speaker.voices[:, NEXT] += _SAME * nn.functional.one_hot(pitches * PHASES + phases, _STATES)
    speaker.voices[:, _HEARD] += _SAME * nn.functional.one_hot(throats, len(THROATS))
    others[prompt.before[-1], :_CELL] += begin
    others[prompt.after[-1], :_CELL] += begin
    others[prompt.after[0], :_CELL] += end
    others[prompt.end, _COPIED] += _SAME * end
    for read in (text, prompt.before[-1], prompt.after[0]):
        others[read, _TEXT] += 0.5
    others[prompt.before[-1], _START] += 0.5
    speaker.cells[:, _SPEECH] += 0.5
    others[prompt.after[-1], _SPEECH] += 0.5
    gains = speaker.inner.norm.weight  # the head reads what was copied, not what a code is itself
    gains.fill_(0.05)
    gains[_COPIED] = gains[NEXT] = gains[_HEARD] = 2.0


def _remember(speaker: Learner) -> None:
    """What stood before: at several distances for the first layer, in the mean of some for the second."""
    for layer, stretches, into, gain, size in (
        (0, [(back, back) for back in _BACK], _HISTORY, 0.6, (WIDTH / _OF_CODE) ** 0.5),
        (1, _MEANS, _GIST, 1.0, _AFTER),
    ):
        for i, (first, last) in enumerate(stretches):
            q, k, v, o = _parts(speaker.inner.layers[layer].self_attn, i + (MATCHING + 1) * layer)
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


def _match(speaker: Learner) -> None:
    """The second layer and the third: the place in the text with the same before it, what stands there; the throat."""
    slow = [i + half for half in (0, HEAD // 2) for i in range(_PLACES, HEAD // 2 - 1)]
    for layer, known in (
        (1, range(*_HISTORY.indices(WIDTH))),
        (2, [*range(*_HISTORY.indices(WIDTH)), *range(*_GIST.indices(WIDTH))]),
    ):
        for head in range(MATCHING):
            q, k, v, o = _parts(speaker.inner.layers[layer].self_attn, head)
            q.zero_(), k.zero_(), v.zero_()
            alike = _orthonormal(len(slow), len(known))
            gain = (_SURE * HEAD**0.5 / (_AFTER**2 * 6 * 0.36 * len(slow) / len(known))) ** 0.5
            for i, row in enumerate(slow):
                q[row, known], k[row, known] = gain * alike[i], gain * alike[i]
            q[HEAD - 1, _SPEECH], k[HEAD - 1, _TEXT] = HEAD**0.5 * 10 / _AFTER / 0.5, 1 / _AFTER / 0.5
            k[HEAD - 1, _START] = -2 / _AFTER / 0.5
            v[:, :_CELL] = torch.eye(_CELL)
            o[_COPIED] = 0.75 / MATCHING / _AFTER * torch.eye(_CELL)
    q, k, v, o = _parts(speaker.inner.layers[1].self_attn, MATCHING)
    q.zero_(), k.zero_(), v.zero_()
    q[HEAD - 1, _SPEECH], k[HEAD - 1, _SPEECH] = HEAD**0.5 * 10 / _AFTER / 0.5, 1 / _AFTER / 0.5
    count = len(THROATS)
    v[:count, _OWN.stop - count : _OWN.stop] = torch.eye(count)
    o[_HEARD, :count] = 1.5 / _AFTER * torch.eye(count)


def _parts(attention: nn.Module, head: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
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
