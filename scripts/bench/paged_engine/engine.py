"""The engine: generates many takes in one batch, each streamed, cancelled and sampled separately."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Final

import numpy as np
from transformers import GenerationConfig
from transformers.generation import ContinuousBatchingConfig
from transformers.generation.continuous_batching import ContinuousBatchingManager, RequestStatus
from transformers.generation.continuous_batching.continuous_api import OutputRouter
from transformers.generation.continuous_batching.requests import GenerationOutput

from deployments.errors import InvalidText, Unavailable
from deployments.llasa.engine import CONTEXT
from deployments.llasa.protocol import CodeChunk, EngineStats, FinishReason, TakeRequest
from scripts.bench.paged_engine import attention
from scripts.bench.paged_engine.checkpoint import Checkpoint
from scripts.bench.paged_engine.prefill import Prefills
from scripts.bench.paged_engine.sampler import Rules, TakeSampler

_EVERY: Final = 10
"""Codes between two outputs of a take, a fifth of a second."""
_STEP_TOKENS: Final = 512
"""Maximum prompt tokens per step: more start a new take sooner but make the running ones stutter."""
_SILENCE: Final = 1.0
"""Seconds without an output after which a take checks that the engine is alive."""


class _Outputs(OutputRouter):  # type: ignore[misc]
    """Wakes the event loop for a take every few codes instead of for each: every output holds the whole take."""

    def deliver_batch(self, outputs: list[GenerationOutput]) -> None:
        super().deliver_batch([output for output in outputs if output.is_finished() or self._is_due(output)])

    def _is_due(self, output: GenerationOutput) -> bool:
        codes = len(output.generated_tokens)
        return codes == 1 or codes % _EVERY == 0  # the first one shows that the prompt has been read


class Engine:
    """Generates takes by transformers' continuous batching.

    Args:
        checkpoint: Loaded by `load_checkpoint`.
        max_takes: Takes in the batch at once; further ones wait.
    """

    def __init__(self, checkpoint: Checkpoint, max_takes: int = 16) -> None:
        model = checkpoint.model
        self._end = checkpoint.vocabulary.end
        self._prompts = checkpoint.prompts
        self._sampler = TakeSampler(max_takes, self._end, model.device)
        self._free_slots = asyncio.Queue[int]()
        for slot in range(max_takes):
            self._free_slots.put_nowait(slot)
        self._numbers = itertools.count()
        self._prefills = Prefills()
        self._waiting = 0
        self._prompt_tokens = 0
        on_cpu = model.device.type == "cpu"
        if on_cpu:
            model.set_attn_implementation("sdpa")  # a name that the manager knows: replaced below
        page_size = 16 if on_cpu else 256  # flash attention's kernels use pages of 256
        self._manager: ContinuousBatchingManager = model.init_continuous_batching(
            generation_config=GenerationConfig(do_sample=False, eos_token_id=self._end),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=page_size,
                num_blocks=max_takes * CONTEXT // page_size,
                max_batch_tokens=max(_STEP_TOKENS, max_takes),
                max_requests_per_batch=max_takes,
            ),
        )
        self._manager.logit_processor = self._sampler
        self._manager.output_router = _Outputs()
        if on_cpu:
            attention.register()
            model.set_attn_implementation(attention.NAME)
        self._manager.warmup()  # allocates the cache now, so that loading fails if memory is short
        self._manager.start()

    async def generate(self, request: TakeRequest) -> AsyncGenerator[CodeChunk, None]:
        """Generates a take; see `SpeechLM.generate`."""
        prompt = self._prompts.build(request)
        room = CONTEXT - len(prompt)
        if room < request.min_codes:
            raise InvalidText(
                f"Text and reference take {len(prompt)} of the model's {CONTEXT} tokens and leave too little to speak "
                "with: shorten the text or the reference clip."
            )
        async with AsyncExitStack() as stack:
            self._waiting += 1
            try:
                prefilled = await stack.enter_async_context(self._prefills.of(prompt))
                slot = await self._free_slots.get()
            finally:
                self._waiting -= 1
            stack.callback(self._free_slots.put_nowait, slot)
            limit = min(request.max_codes or room, room)
            rules = Rules(slot, len(prompt), min(request.min_codes, limit), request.sampling)
            unread = not self._prompts.reads(request.text)
            async with aclosing(self._take(prompt, limit, rules)) as chunks:
                async for chunk in chunks:
                    prefilled()
                    yield replace(chunk, unread=unread) if chunk.prompt_tokens else chunk

    async def stats(self) -> EngineStats:
        batch = self._manager.batch_processor
        running = len(batch.scheduler.active_requests) if batch else 0
        sampler = self._sampler
        return EngineStats(
            running=running,
            waiting=self._waiting,
            largest_batch=sampler.largest_batch,
            steps=sampler.steps,
            codes=sampler.codes,
            prompt_tokens=self._prompt_tokens,
            prefilled_tokens=sampler.prefilled_tokens,
        )

    def check_health(self) -> None:
        """Raises Unavailable if the engine's thread has died."""
        if not self._manager.is_running():
            raise Unavailable(f"The speech engine has died: {self._manager.background_thread_status.fatal_error}")

    def close(self) -> None:
        """Stops the engine's thread; running takes fail."""
        self._manager.stop(block=True, hard_stop=True)

    async def _take(self, prompt: list[int], limit: int, rules: Rules) -> AsyncGenerator[CodeChunk, None]:
        self.check_health()
        take = f"take-{next(self._numbers)}"
        outputs = asyncio.Queue[GenerationOutput]()
        self._manager.register_result_handler(take, outputs.put_nowait)
        finish: FinishReason | None = None
        sent = 0
        try:
            self._manager.add_request(
                prompt, request_id=take, max_new_tokens=limit, streaming=True, eos_token_id=self._end, rules=rules
            )
            while finish is None:
                output = await self._latest(outputs)
                codes = output.generated_tokens
                if output.is_finished():
                    finish = self._finish(output)
                    codes = codes[:-1] if finish == "stop" else codes
                made = CodeChunk(np.array(codes[sent:], np.int32), finish)
                if not sent:  # by now the whole prompt has been computed or found in the cache
                    self._prompt_tokens += len(prompt)
                    made = replace(made, prompt_tokens=len(prompt))
                yield made
                sent = len(codes)
        finally:
            if finish is None:  # the manager sends nothing more for a cancelled take, so nothing waits for it
                self._manager.cancel_request(take)
                self._manager.output_router.result_handlers.pop(take, None)

    async def _latest(self, outputs: asyncio.Queue[GenerationOutput]) -> GenerationOutput:
        """Returns the newest output of a take; each holds the whole take."""
        while True:
            try:
                async with asyncio.timeout(_SILENCE):
                    output = await outputs.get()
            except TimeoutError:  # an engine that ends drops the takes it has just received, without an error
                self.check_health()
                continue
            while not outputs.empty():
                output = outputs.get_nowait()
            return output

    def _finish(self, output: GenerationOutput) -> FinishReason:
        if output.status == RequestStatus.FAILED:
            raise Unavailable(f"The speech engine failed: {output.error}")
        return "stop" if output.generated_tokens[-1] == self._end else "length"
