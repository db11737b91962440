"""The Llama before any training, and what its training teaches."""

import numpy as np
import pytest
import torch
from torch import Tensor

from scripts.train_nano.cells import CELLS, Cells
from scripts.train_nano.lm import Gaze, weights_of
from scripts.train_nano.lm_data import Item, Prompt, collate
from scripts.train_nano.lm_model import Learner, build
from scripts.train_nano.voices import throats_of, voice

PROMPT = Prompt(before=[257, 258], after=[259, 260], code0=263, end=261, pad=262, cell0=1)
VOICE = voice(4, 1, 2)


@pytest.fixture(scope="module")
def model() -> Learner:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    return build(PROMPT, Cells(rng.normal(0, 5, (CELLS, 21)).astype(np.float32), np.arange(CELLS))).eval()


@pytest.fixture(scope="module")
def item() -> Item:
    """Text whose first third is what the reference says, without any error."""
    rng = np.random.default_rng(1)
    cells = np.repeat(rng.integers(0, CELLS, 60), rng.integers(1, 6, 60)).tolist()
    start = len(cells) // 3
    codes = [PROMPT.code0 + CELLS * VOICE + cell for cell in cells]
    lead = len(PROMPT.ids(cells)) + start
    first = len(PROMPT.before)
    looks = [-1] * lead + list(range(first + start, first + len(cells) + 1))
    return Item([*PROMPT.ids(cells), *codes, PROMPT.end], lead, looks)


@torch.inference_mode()
def said(model: Learner, item: Item) -> tuple[Tensor, Tensor, Tensor]:
    """The likeliest cell and voice at every place but the last, and the cell that should be."""
    batch = collate([item], PROMPT.pad)
    learnt = batch.targets[0] >= 0
    cells, voices, _ = model.scores(model(batch.inputs)[0, learnt])
    wanted = batch.targets[0, learnt] - PROMPT.code0
    return cells.argmax(-1)[:-1], voices.argmax(-1)[:-1], wanted[:-1] % CELLS


def test_untrained_it_reads_along_already(model: Learner, item: Item) -> None:
    found, _, wanted = said(model, item)
    assert (found == wanted).float().mean() > 0.9


def test_untrained_it_keeps_the_references_throat(model: Learner, item: Item) -> None:
    _, voices, _ = said(model, item)
    assert (throats_of(voices.numpy()) == 2).mean() > 0.95


@torch.inference_mode()
def test_what_ships_says_what_was_learnt(model: Learner, item: Item) -> None:
    ids = collate([item], PROMPT.pad).inputs
    codes = model.whole().eval()(ids).logits[0, -1, PROMPT.code0 :]
    cells, voices, _ = model.scores(model(ids)[0, -1])
    assert torch.allclose(codes, (voices[:, None] + cells).flatten(), atol=1e-3)


def test_looking_at_the_right_place_costs_less_than_looking_beside_it(model: Learner, item: Item) -> None:
    batch = collate([item], PROMPT.pad)
    gaze, learnt = Gaze(model), batch.targets >= 0
    with torch.no_grad():
        model(batch.inputs)
        right = gaze.loss(batch.looks, learnt)
        beside = gaze.loss(torch.where(batch.looks >= 0, batch.looks - 3, -1), learnt)
    assert right < beside - 3


def test_the_first_codes_after_a_reference_count_most() -> None:
    learnt = torch.tensor([[False] * 3 + [True] * 30 + [False] * 2])
    weights = weights_of(learnt)[0]
    assert weights[3] == weights[18] > weights[19] == weights[32] == weights[0] == 1
