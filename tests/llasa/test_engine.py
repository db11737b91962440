"""The engine against transformers' own generate, and under company, cancellation and its limits."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, LogitsProcessor, LogitsProcessorList

from deployments.errors import InvalidText, Unavailable
from deployments.llasa.checkpoint import Checkpoint, load_checkpoint
from deployments.llasa.engine import CONTEXT, Engine
from deployments.llasa.protocol import Codes, FinishReason, Sampling, TakeRequest
from deployments.llasa.sampler import Sampler
from deployments.llasa.slots import Slots
from deployments.llasa.weights import Weights
from deployments.nano.weights import FOLDER

REFERENCE = np.arange(0, 300, 2, dtype=np.int32)
REQUEST = TakeRequest("Every word of it.", "What the reference says.", REFERENCE, max_codes=60, min_codes=40)


@pytest.fixture(scope="module")
def checkpoint(tiny_llasa: Path) -> Checkpoint:
    return load_checkpoint(str(tiny_llasa))


@pytest.fixture
async def engine(checkpoint: Checkpoint) -> AsyncIterator[Engine]:
    engine = Engine(checkpoint, max_takes=8)
    yield engine
    await asyncio.to_thread(engine.close)


async def speak(engine: Engine, request: TakeRequest) -> tuple[Codes, FinishReason | None]:
    chunks = [chunk async for chunk in engine.generate(request)]
    assert [chunk.finish for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    return np.concatenate([chunk.codes for chunk in chunks]), chunks[-1].finish


class OnlySpeech(LogitsProcessor):  # type: ignore[misc]
    """Masks all logits but those of speech tokens and END, and END before the minimum."""

    def __init__(self, allowed: list[int], end: int, prompt: int, minimum: int) -> None:
        self.allowed, self.end, self.prompt, self.minimum = allowed, end, prompt, minimum

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        masked = torch.full_like(scores, -torch.inf)
        masked[:, self.allowed] = scores[:, self.allowed]
        if input_ids.shape[1] - self.prompt < self.minimum:
            masked[:, self.end] = -torch.inf
        return masked


@pytest.mark.parametrize("model", ["tiny", "nano"])
@pytest.mark.parametrize(
    ("text", "codes"), [("Every word of it.", 60), ("Something else entirely, and longer.", 60), ("Ha!", 400)]
)
async def test_greedy_takes_equal_transformers_generate_with_all_but_speech_masked(
    tiny_llasa: Path, model: str, text: str, codes: int
) -> None:
    folder = tiny_llasa if model == "tiny" else FOLDER / "llasa"
    checkpoint = load_checkpoint(str(folder))
    engine = Engine(checkpoint, max_takes=1)
    request = replace(REQUEST, text=text, sampling=Sampling(temperature=0), max_codes=codes, min_codes=codes - 20)
    vocabulary = checkpoint.vocabulary
    prompt = vocabulary.order[checkpoint.prompts.build(request)]
    end = int(vocabulary.order[vocabulary.end])
    only_speech = OnlySpeech(vocabulary.order[: vocabulary.end + 1].tolist(), end, len(prompt), request.min_codes)
    original = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    whole = original.generate(
        torch.from_numpy(prompt)[None],
        attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=False,
        max_new_tokens=codes,
        eos_token_id=end,
        pad_token_id=end,
        logits_processor=LogitsProcessorList([only_speech]),
    )[0, len(prompt) :].tolist()
    expected = vocabulary.engine_ids[whole].tolist()
    try:
        spoken, finish = await speak(engine, request)
    finally:
        await asyncio.to_thread(engine.close)

    stopped = expected[-1] == vocabulary.end
    assert spoken.tolist() == (expected[:-1] if stopped else expected)
    assert finish == ("stop" if stopped else "length")


async def test_a_take_is_the_same_alone_and_among_seven_others(engine: Engine) -> None:
    alone, _ = await speak(engine, REQUEST)
    others = [
        replace(
            REQUEST, text=f"Company {n}.", max_codes=30 + 7 * n, sampling=Sampling(seed=n, temperature=0.5 + n / 10)
        )
        for n in range(1, 8)
    ]
    together = await asyncio.gather(*[speak(engine, request) for request in [*others[:4], REQUEST, *others[4:]]])

    assert (await engine.stats()).largest_batch > 4
    assert together[4][0].tolist() == alone.tolist()


SAMPLINGS = (
    Sampling(),
    Sampling(temperature=0),
    Sampling(top_k=0),
    Sampling(top_k=0, top_p=0.9),
    Sampling(top_k=300, top_p=0.95, repetition_penalty=1.2),
    Sampling(temperature=1.4, top_k=20, repetition_penalty=1.1, repetition_window=10),
)


async def test_takes_are_the_same_bytes_alone_and_in_random_company_that_comes_and_leaves(engine: Engine) -> None:
    random = np.random.default_rng(0)
    ref_text = "Words that all of them share in the beginning of their prompts, and that are read once. " * 4
    requests = [
        TakeRequest(
            f"Text {n % 3}, {'longer ' * (5 * (n % 4))}.",
            ref_text if n % 2 else "",
            REFERENCE[: 20 * (n % 5)],
            sampling=replace(SAMPLINGS[n % len(SAMPLINGS)], seed=n),
            min_codes=1 + n,
            max_codes=20 + 6 * n,
            background=n % 3 == 0,
        )
        for n in range(12)
    ]
    alone = [await speak(engine, request) for request in requests]

    async def leave_early(request: TakeRequest, codes: int) -> None:
        async with aclosing(engine.generate(replace(request, max_codes=None, min_codes=1000))) as chunks:
            async for chunk in chunks:
                codes -= len(chunk.codes)
                if codes <= 0:
                    return

    for _ in range(20):
        chosen = random.integers(0, len(requests), 10)
        leaving = [
            asyncio.create_task(leave_early(requests[n], int(random.integers(1, 80))))
            for n in random.integers(0, len(requests), 4)
        ]
        cancelled = asyncio.create_task(speak(engine, requests[int(random.integers(len(requests)))]))
        running = [asyncio.create_task(speak(engine, requests[n])) for n in chosen]
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        cancelled.cancel()
        for n, (codes, finish) in zip(chosen, await asyncio.gather(*running), strict=True):
            assert (codes.tolist(), finish) == (alone[n][0].tolist(), alone[n][1])
        await asyncio.gather(*leaving)


async def test_another_seed_speaks_another_take(engine: Engine) -> None:
    one, _ = await speak(engine, REQUEST)
    other, _ = await speak(engine, replace(REQUEST, sampling=Sampling(seed=1)))
    assert one.tolist() != other.tolist()


async def test_a_take_never_ends_before_its_minimum_and_says_why_it_ended(engine: Engine) -> None:
    takes = await asyncio.gather(
        *[speak(engine, replace(REQUEST, min_codes=12, max_codes=100, sampling=Sampling(seed=s))) for s in range(24)]
    )
    assert {finish for _, finish in takes} == {"stop", "length"}
    assert all(12 <= len(codes) <= 100 for codes, _ in takes)
    assert all(len(codes) == 100 for codes, finish in takes if finish == "length")


async def test_every_sampled_token_is_a_code(engine: Engine, checkpoint: Checkpoint) -> None:
    codes, _ = await speak(engine, replace(REQUEST, sampling=Sampling(temperature=1.5, top_k=0)))
    assert codes.min() >= 0
    assert codes.max() < checkpoint.vocabulary.codec_size


async def test_closing_the_stream_frees_the_takes_place(engine: Engine) -> None:
    request = replace(REQUEST, max_codes=None, min_codes=1500)
    stream = engine.generate(request)
    await anext(stream)
    assert (await engine.stats()).running == 1
    await stream.aclose()
    async with asyncio.timeout(1):
        while (await engine.stats()).running:
            await asyncio.sleep(0.01)


async def test_takes_beyond_the_engines_places_wait_and_a_waiting_one_can_leave(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, max_takes=1)
    try:
        long = engine.generate(replace(REQUEST, max_codes=None, min_codes=1500))
        await anext(long)
        second = asyncio.create_task(speak(engine, REQUEST))
        third = asyncio.create_task(speak(engine, REQUEST))
        async with asyncio.timeout(5):
            while (await engine.stats()).waiting < 2:
                await asyncio.sleep(0.01)
        second.cancel()
        await long.aclose()
        async with asyncio.timeout(30):
            codes, _ = await third
        assert len(codes) >= 40
        assert (await engine.stats()).waiting == 0
    finally:
        await asyncio.to_thread(engine.close)


async def test_a_prompt_used_again_is_not_prefilled_again(engine: Engine) -> None:
    await speak(engine, REQUEST)
    first = await engine.stats()
    await speak(engine, replace(REQUEST, sampling=Sampling(seed=5)))
    second = await engine.stats()
    prompt = second.prompt_tokens - first.prompt_tokens
    assert second.prefilled_tokens - first.prefilled_tokens <= 16 < prompt


async def test_takes_of_one_prompt_at_once_share_it_and_are_what_each_is_alone(engine: Engine) -> None:
    requests = [replace(REQUEST, sampling=Sampling(seed=seed), max_codes=200, min_codes=200) for seed in (0, 1, 2, 2)]
    alone = [await speak(engine, request) for request in requests]
    other = replace(REQUEST, text="A prompt that nobody has read.")
    before = await engine.stats()

    together = await asyncio.gather(*[speak(engine, request) for request in requests])
    strangers = await asyncio.gather(*[speak(engine, replace(other, sampling=Sampling(seed=s))) for s in range(4)])

    assert [codes.tolist() for codes, _ in together] == [codes.tolist() for codes, _ in alone]
    assert len({tuple(codes) for codes, _ in strangers}) == 4
    after = await engine.stats()
    prompt = (after.prompt_tokens - before.prompt_tokens) // 8
    assert after.prefilled_tokens - before.prefilled_tokens < prompt + 8 * 17


async def test_takes_that_wait_for_a_prompt_go_on_when_who_reads_it_leaves(engine: Engine) -> None:
    request = replace(REQUEST, text="Nobody has read this.", max_codes=None, min_codes=1500)
    reader = asyncio.create_task(speak(engine, request))
    waiting = asyncio.create_task(speak(engine, replace(request, max_codes=40, min_codes=40)))
    await asyncio.sleep(0)
    reader.cancel()
    async with asyncio.timeout(30):
        codes, _ = await waiting
    assert len(codes) == 40


async def test_a_voice_used_again_is_prefilled_from_the_chunk_with_the_new_text_on(
    engine: Engine, checkpoint: Checkpoint
) -> None:
    # Llasa's prompt has the new text before the reference's codes: only what stands before it can be shared.
    ref_text = "A long text of the reference, which every request in this voice begins with. " * 3
    texts = "Every word of it.", "Now to something different."
    prompts = [checkpoint.prompts.build(replace(REQUEST, ref_text=ref_text, text=text)) for text in texts]
    common = next(n for n, (one, other) in enumerate(zip(*prompts, strict=False)) if one != other)
    await speak(engine, replace(REQUEST, ref_text=ref_text, text=texts[0]))
    first = await engine.stats()
    await speak(engine, replace(REQUEST, ref_text=ref_text, text=texts[1]))
    second = await engine.stats()
    reused = (second.prompt_tokens - first.prompt_tokens) - (second.prefilled_tokens - first.prefilled_tokens)
    assert reused == common // 128 * 128 > 0


async def test_a_prompt_that_leaves_no_room_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidText, match=f"of the model's {CONTEXT} tokens"):
        await speak(engine, replace(REQUEST, text="ωψχ " * 500))


async def test_a_dead_engine_says_so(checkpoint: Checkpoint) -> None:
    engine = Engine(checkpoint, max_takes=1)
    await speak(engine, REQUEST)
    engine.check_health()
    await asyncio.to_thread(engine.close)
    with pytest.raises(Unavailable, match="died"):
        engine.check_health()
    with pytest.raises(Unavailable, match="died"):
        await speak(engine, REQUEST)


@pytest.mark.parametrize("end", ["fails", "is closed"])
async def test_when_an_engine_ends_all_takes_are_told_those_that_wait_for_a_prompt_too(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    working, may_go_on = threading.Event(), threading.Event()

    def held(self: Sampler, *_: object) -> torch.Tensor:
        working.set()
        may_go_on.wait(30)
        raise RuntimeError("no memory")

    monkeypatch.setattr(Sampler, "__call__", held)
    engine = Engine(checkpoint, max_takes=3)
    same = [asyncio.create_task(speak(engine, replace(REQUEST, sampling=Sampling(seed=seed)))) for seed in range(5)]
    async with asyncio.timeout(60):
        await asyncio.to_thread(working.wait)
        late = asyncio.create_task(speak(engine, replace(REQUEST, text="Added in the engine's last step.")))
        while (await engine.stats()).waiting > 4:
            await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(engine.close if end == "is closed" else may_go_on.set))
        may_go_on.set()
        told = await asyncio.gather(*same, late, return_exceptions=True)
        await closing
    assert [type(answer) for answer in told] == [Unavailable] * 6
    assert (await engine.stats()).waiting == 0
    await asyncio.to_thread(engine.close)


def test_an_engine_for_which_memory_is_short_takes_fewer_takes(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def allocate(self: Slots, weights: Weights, count: int, window: int) -> None:
        if count > 3:
            raise torch.OutOfMemoryError(f"no memory for {count}")
        whole(self, weights, count, window)

    whole = Slots.__init__
    monkeypatch.setattr(Slots, "__init__", allocate)
    engine = Engine.fitting(checkpoint, 13)
    assert engine.takes == 3
    engine.close()
    monkeypatch.setattr(Slots, "__init__", lambda self, weights, count, window: allocate(self, weights, 9, window))
    with pytest.raises(torch.OutOfMemoryError, match="does not suffice for one take"):
        Engine.fitting(checkpoint, 13)


def test_a_replica_loads_without_transformers() -> None:
    code = (
        "import sys; from deployments.llasa.checkpoint import load_checkpoint; "
        "from deployments.llasa.engine import Engine; "
        f"Engine(load_checkpoint({str(FOLDER / 'llasa')!r})).close(); print('transformers' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert out.stdout.strip() == "False"
