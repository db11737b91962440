"""The first tab: speaks a text in a voice, and plays the speech while it is generated."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import gradio as gr

from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.service.outputs import Outputs
from deployments.service.requests import Speaking
from deployments.service.voices import BUILT_IN
from deployments.settings import Settings
from deployments.synthesis.events import Finished, Progress
from deployments.synthesis.pace import CODES_A_SECOND, Pace
from deployments.synthesis.plan import Budget, plan
from deployments.text.normalisation import normalise
from ui import markup, upload
from ui.backend import Backend
from ui.clip_input import clip_input
from ui.failure import sentence, show_failures
from ui.recording import Recording, Recordings
from ui.taken import Taken
from ui.texts import Texts
from ui.visitor import Visitor

logger = logging.getLogger(__name__)

_SEEDS: Final = 2**32 - 1
_RATES: Final = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def speak_tab(texts: Texts, backend: Backend, recordings: Recordings, settings: Settings) -> gr.Dropdown:
    """Builds the tab; returns the choice of voices, for other tabs to update."""
    history = gr.State([])
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            target = gr.Textbox(
                "",
                label=texts.target_text,
                placeholder=texts.target_placeholder,
                lines=6,
                max_length=settings.max_text_length,
                elem_id="target",
            )
            estimate = gr.HTML(elem_id="estimate")
            voice = gr.Dropdown(
                list(BUILT_IN), label=texts.voice, info=texts.voice_info, value="alloy", allow_custom_value=True
            )
            with gr.Accordion(texts.clip, open=False):
                clip = clip_input(texts.clip_label, "clip")
                ref_text = gr.Textbox(
                    "", label=texts.ref_text, info=texts.ref_text_info, lines=2, max_lines=4, elem_id="ref-text"
                )
                listen = gr.Button(texts.listen, size="sm", elem_id="listen")
            with gr.Row():
                generate = gr.Button(texts.generate, variant="primary", elem_id="generate", scale=3)
                stop = gr.Button(texts.stop, elem_id="stop", scale=1, min_width=100)
        with gr.Column(scale=4, min_width=320):
            status = gr.HTML(markup.status(texts.nothing_yet), elem_id="status")
            player = gr.HTML(elem_id="player")
            waveform = gr.Audio(
                label=texts.waveform, interactive=False, visible=False, elem_id="speech", buttons=["download"]
            )
            downloads = gr.HTML(elem_id="downloads")
            with gr.Group(), gr.Accordion(texts.basic, open=False):
                speed = gr.Slider(0.25, 4, 1, step=0.05, label=texts.speed, info=texts.speed_info)
                temperature = gr.Slider(0.1, 2, 0.9, step=0.05, label=texts.temperature, info=texts.temperature_info)
                verify = gr.Checkbox(settings.verify, label=texts.verify, info=texts.verify_info)
            with gr.Group(), gr.Accordion(texts.advanced, open=False):
                with gr.Row():
                    seed = gr.Number(
                        settings.default_random_seed,
                        label=texts.seed,
                        info=texts.seed_info,
                        precision=0,
                        minimum=0,
                        maximum=_SEEDS,
                        scale=3,
                        elem_id="seed",
                    )
                    die = gr.Button("🎲 " + texts.die, size="sm", min_width=80)
                rate = gr.Dropdown([str(r) for r in _RATES], value="24000", label=texts.rate, info=texts.rate_info)
                top_k = gr.Slider(0, 200, 50, step=1, label=texts.top_k, info=texts.top_k_info)
                top_p = gr.Slider(0.05, 1, 0.95, step=0.01, label=texts.top_p, info=texts.top_p_info)
                penalty = gr.Slider(0.5, 2, 1.1, step=0.01, label=texts.penalty, info=texts.penalty_info)
                instruction = gr.Textbox(
                    INSTRUCTION, label=texts.system_prompt, info=texts.system_prompt_info, max_length=200
                )
    gr.Examples(
        [["alloy", texts.example_texts[0]], ["nova", texts.example_texts[1]], ["onyx", texts.example_texts[2]]],
        [voice, target],
        label=texts.examples,
        api_visibility="private",
    )
    with gr.Accordion(texts.history, open=True):
        takes = gr.HTML(markup.takes([], "", texts), elem_id="takes")

    async def speak(
        request: gr.Request,
        target_text: str,
        voice: str | None,
        clip: str | None = None,
        ref_text: str = "",
        speed: float = 1,
        temperature: float = 0.9,
        verify: bool = False,
        seed: int | None = None,
        sample_rate: str = "24000",
        top_k: int = 50,
        top_p: float = 0.95,
        penalty: float = 1.1,
        system_prompt: str = INSTRUCTION,
        made: Sequence[Taken] = (),
    ) -> AsyncGenerator[dict[Any, Any], None]:
        """Speaks a text; the file comes last. A clip takes precedence over a voice."""
        visitor = Visitor.of(request)
        recording = recordings.begin(speed, int(sample_rate))
        seed = settings.default_random_seed if seed is None else seed
        with show_failures(texts):
            finished = None
            try:
                yield {
                    status: markup.status(texts.waiting, busy=True),
                    player: markup.player(recording, visitor.prefix, texts),
                    waveform: gr.Audio(None, visible=False),
                    downloads: "",
                }
                speaking = Speaking(
                    target_text,
                    None if clip else voice,
                    await upload.read(clip) if clip else None,
                    ref_text,
                    system_prompt,
                    sampling=Sampling(temperature, top_k, top_p, penalty, seed=seed),
                    verify=verify,
                )
                stage = texts.waiting
                async with aclosing(backend.narrate(speaking, visitor.client)) as events:
                    async for event in events:
                        if isinstance(event, Finished):
                            finished = event
                        elif isinstance(event, Progress):
                            stage = _stage(event, texts)
                        else:
                            await recording.write(event.wav)
                        yield {status: markup.status(stage, recording.seconds, busy=True)}
            except Exception as error:
                yield {status: markup.status(sentence(error, texts), failed=True), player: ""}
                raise
            finally:
                await recordings.end(recording)
            assert finished  # noqa: S101 - comes last of the events, and once
            await _keep(recording, settings)
            source = Path(clip).name if clip else voice or ""
            taken = Taken(recording.id, target_text, source, finished, recording.seconds)
            made = [taken, *made]
            yield {
                status: markup.finished(taken, texts),
                waveform: gr.Audio(recording.path, visible=True),
                downloads: markup.downloads(taken, visitor.prefix, texts),
                takes: markup.takes(made, visitor.prefix, texts),
                history: made,
            }

    async def write_down(clip: str | None, request: gr.Request) -> str:
        """Transcribes a clip."""
        with show_failures(texts):
            found = await backend.transcribe(
                await upload.read(clip), language=None, words=False, client=Visitor.of(request).client
            )
        text: str = found["text"]
        return text

    def expect(target_text: str) -> str:
        """Estimates how long a text will last, and in how many parts it will be spoken."""
        if not target_text.strip():
            return ""
        chunks = plan(normalise(target_text[: settings.max_text_length]), Budget())
        seconds = sum(Pace().codes(chunk.text) / CODES_A_SECOND + chunk.pause for chunk in chunks)
        parts = texts.counted[len(chunks) > 1].format(parts=len(chunks))
        return markup.hint(texts.estimate.format(seconds=round(seconds), parts=parts))

    given = [target, voice, clip, ref_text, speed, temperature, verify, seed, rate, top_k, top_p, penalty, instruction]
    shown = [waveform, status, player, downloads, takes]
    running = generate.click(
        speak,
        [*given, history],
        [*shown, history],
        api_name="generate",
        show_progress="hidden",
        concurrency_limit=None,
    )
    # Shown only when it is true: the generator's last update may still be on its way.
    stop.click(None, None, None, cancels=[running], api_visibility="private").then(
        lambda: markup.status(texts.stopped), None, status, api_visibility="private", show_progress="hidden"
    )
    listen.click(write_down, clip, ref_text, api_name="listen", concurrency_limit=None)
    target.change(expect, target, estimate, show_progress="hidden", trigger_mode="always_last", api_name="estimate")
    die.click(lambda: random.randrange(_SEEDS), None, seed, api_visibility="private")  # noqa: S311 - no secret
    return voice


def _stage(progress: Progress, texts: Texts) -> str:
    stage = texts.stages[progress.stage]
    if progress.parts > 1:
        stage += " · " + texts.of.format(part=progress.part, parts=progress.parts)
    return stage


async def _keep(recording: Recording, settings: Settings) -> None:
    """Stores a copy for the operator. The speech is still good without it."""
    if outputs := Outputs.of(settings):
        try:
            await asyncio.to_thread(lambda: outputs.keep(recording.path.read_bytes(), ".wav"))
        except OSError as error:
            logger.warning("No copy could be kept in OUTPUTS_DIR: %s", error)
