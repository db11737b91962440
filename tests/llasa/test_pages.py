"""Gathered rows against the cache that they are gathered from, while requests come, share pages, speak and leave."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from deployments.llasa.pages import Step

PAGE = 4
HEADS, SIZE = 2, 3


@dataclass
class Request:
    """Of a cache with pages; its first pages may be another's."""

    rows: list[int]
    prompt: int
    pages: list[list[int]] = field(default_factory=list)
    """Its own, free again when it leaves."""


class Cache:
    """Pages that are given out in any order, and filled with noise that says which write it was."""

    def __init__(self, pages: int, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.free = [list(range(n * PAGE, (n + 1) * PAGE)) for n in range(pages)]
        self.random.shuffle(self.free)
        self.held = torch.zeros(pages * PAGE, HEADS, SIZE), torch.zeros(pages * PAGE, HEADS, SIZE)
        self.step = Step(PAGE)
        self.reads = torch.zeros(pages * PAGE * 5, dtype=torch.int64)
        """Like the engine's: each step writes its rows over the last one's."""

    def enter(self, tokens: int, shares: Request | None = None) -> Request:
        shared = shares.prompt // PAGE * PAGE if shares else 0
        request = Request(shares.rows[:shared] if shares else [], max(tokens, shared + 1))
        while len(request.rows) < request.prompt:
            self.write(request)
        return request

    def write(self, request: Request) -> None:
        if len(request.rows) % PAGE == 0:
            request.pages.append(self.free.pop())
        row = request.pages[-1][len(request.rows) % PAGE]
        request.rows.append(row)
        for part in self.held:
            part[row] = torch.randn(HEADS, SIZE)

    def speak(self, requests: list[Request]) -> None:
        """A step in which each of them gets a token: all must read their own rows, and no others."""
        for request in requests:
            self.write(request)
        bounds = [0]
        for request in requests:
            bounds.append(bounds[-1] + len(request.rows))
        self.reads[: bounds[-1]] = torch.tensor([row for request in requests for row in request.rows])
        self.step.begin(list(range(len(requests) + 1)), bounds, self.reads[: bounds[-1]])
        assert not self.step.prefills
        found = {}
        for together in self.step.decodes:
            for layer in range(2):
                prompt = together[0].prompt.read(layer, self.held)
                for decode in together:
                    found[layer, decode.token] = torch.cat([prompt, decode.own.read(layer, self.held)], dim=3)
        for (_, token), read in found.items():
            for part, held in zip(read, self.held, strict=True):
                assert torch.equal(part[0].transpose(0, 1), held[requests[token].rows])
        assert len(found) == 2 * len(requests)

    def pick(self, requests: list[Request]) -> Request:
        return requests[self.random.integers(len(requests))]

    def leave(self, request: Request) -> None:
        self.free += request.pages
        self.random.shuffle(self.free)


@pytest.mark.parametrize("seed", range(5))
def test_whoever_comes_and_goes_each_reads_its_own_rows(seed: int) -> None:
    cache = Cache(600, seed)
    speaking: list[Request] = []
    for _ in range(120):
        if len(speaking) < 5 and cache.random.random() < 0.3:
            origin = cache.pick(speaking) if speaking and cache.random.random() < 0.5 else None
            speaking.append(cache.enter(int(cache.random.integers(PAGE + 1, 40)), origin))
        if speaking and cache.random.random() < 0.1:
            speaking.remove(origin := cache.pick(speaking))
            if not any(set(origin.rows) & set(other.rows) for other in speaking):
                cache.leave(origin)
        cache.random.shuffle(speaking)
        if speaking:
            cache.speak(speaking)


def test_those_who_share_the_pages_of_a_prompt_are_put_together() -> None:
    cache = Cache(20, 0)
    first = cache.enter(2 * PAGE + 1)
    second, stranger = cache.enter(2 * PAGE + 3, shares=first), cache.enter(2 * PAGE + 1)
    cache.speak([first])
    cache.speak([second, stranger, first])
    assert [[decode.token for decode in together] for together in cache.step.decodes] == [[0, 2], [1]]


def test_two_who_said_the_same_go_on_apart_from_the_page_that_one_took_over_from_the_other() -> None:
    cache = Cache(20, 0)
    first, second = cache.enter(2 * PAGE - 1), cache.enter(2 * PAGE - 1)
    cache.speak([first, second])
    second.rows[:] = first.rows  # full, and the same: the engine keeps one of them
    for _ in range(3):
        cache.speak([first, second])


def test_what_is_said_may_outgrow_the_room_that_it_was_given() -> None:
    cache = Cache(200, 0)
    request = cache.enter(PAGE + 1)
    for _ in range(600):
        cache.speak([request])


def test_a_request_whose_prompt_is_read_does_not_decode() -> None:
    step = Step(PAGE)
    step.begin([0, 6, 7, 7], [0, 6, 16, 20], torch.arange(20))
    assert [(prefill.begin, prefill.end, prefill.rows.tolist()) for prefill in step.prefills] == [(0, 6, [*range(6)])]
    assert [[decode.token for decode in together] for together in step.decodes] == [[6]]


def test_rows_of_a_prompt_are_forgotten_with_the_last_who_speaks_from_it() -> None:
    cache = Cache(20, 0)
    first, other = cache.enter(PAGE + 1), cache.enter(PAGE + 1)
    cache.speak([first])
    cache.leave(first)
    cache.speak([other])
    assert len(cache.step._prompts) == 1
