"""The Llama before any training, and what its training teaches."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import LlamaForCausalLM

from scripts.train_nano.cells import CELLS, Cells
from scripts.train_nano.frames import BINS
from scripts.train_nano.lm import Gaze, weights_of
from scripts.train_nano.lm_data import Item, Prompt, collate
from scripts.train_nano.lm_model import build
from scripts.train_nano.vocoder import CODES

PROMPT = Prompt(before=[257, 258], after=[259, 260], code0=263, end=261, pad=262, cell0=1)
VOICE = 7


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    cells = Cells(rng.normal(0, 5, (CELLS, 21)).astype(np.float32), np.zeros((CELLS, BINS), np.float32))
    return build(PROMPT.code0 + CODES, PROMPT, cells).eval()


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
def said(model: LlamaForCausalLM, item: Item) -> tuple[Tensor, Tensor]:
    batch = collate([item], PROMPT.pad)
    learnt = batch.targets[0] >= 0
    return model(batch.inputs).logits[0, learnt].argmax(-1) - PROMPT.code0, batch.targets[0, learnt] - PROMPT.code0


def test_untrained_it_reads_along_already(model: LlamaForCausalLM, item: Item) -> None:
    found, wanted = said(model, item)
    assert (found[:-1] % CELLS == wanted[:-1] % CELLS).float().mean() > 0.9


def test_untrained_it_keeps_the_references_voice(model: LlamaForCausalLM, item: Item) -> None:
    found, _ = said(model, item)
    assert (found[:-1] // CELLS == VOICE).float().mean() > 0.95


def test_looking_at_the_right_place_costs_less_than_looking_beside_it(model: LlamaForCausalLM, item: Item) -> None:
    batch = collate([item], PROMPT.pad)
    gaze, learnt = Gaze(model), batch.targets >= 0
    with torch.no_grad():
        model.model(batch.inputs)
        right = gaze.loss(batch.looks, learnt)
        beside = gaze.loss(torch.where(batch.looks >= 0, batch.looks - 3, -1), learnt)
    assert right < beside - 3


def test_the_first_codes_after_a_reference_count_most() -> None:
    learnt = torch.tensor([[False] * 3 + [True] * 30 + [False] * 2])
    weights = weights_of(learnt)[0]
    assert weights[3] == weights[18] > weights[19] == weights[32] == weights[0] == 1
