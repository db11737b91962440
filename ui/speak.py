"""The first tab: speaks a text in a voice, and plays the speech while it is generated."""

import asyncio
import inspect
import logging
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import gradio as gr

from deployments.profiles import Profile
from deployments.service.outputs import Outputs
from deployments.service.parameters import RATE, SpeechParams
from deployments.settings import Settings
from deployments.synthesis.events import Part, Progress
from deployments.synthesis.pace import CODES_A_SECOND, Pace
from deployments.synthesis.plan import Budget, plan
from deployments.text.normalisation import normalise
from ui import markup, upload
from ui.backend import Backend
from ui.captions import WordTimes
from ui.captions import captions as captions_of
from ui.failure import sentence, show_failures
from ui.recording import Recording, Recordings
from ui.reference import reference_inputs
from ui.speech_fields import BASIC, SpeechFields
from ui.taken import Taken
from ui.texts import Texts
from ui.visitor import Visitor

logger = logging.getLogger(__name__)

_SEEDS: Final = 2**32 - 1
_POSITIONAL: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD


def speak_tab(texts: Texts, backend: Backend, recordings: Recordings, settings: Settings, profile: Profile) -> gr.HTML:
    """Builds the tab; returns the list of voices, for other tabs to update."""
    history = gr.State([])
    fields = SpeechFields(texts, settings, profile)
    chosen = reference_inputs(texts, backend)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            gr.HTML(markup.step(texts.say))
            target = gr.Textbox(
                "",
                label=texts.target_text,
                placeholder=texts.target_placeholder,
                lines=5,
                max_length=settings.max_text_length,
                elem_id="target",
            )
            estimate = gr.HTML(label=texts.seconds, elem_id="estimate")
            with gr.Row():
                generate = gr.Button(texts.generate, variant="primary", elem_id="generate", scale=3)
                stop = gr.Button(texts.stop, elem_id="stop", scale=1, min_width=100)
        with gr.Column(scale=2, min_width=280):
            gr.HTML(markup.step(texts.waveform))
            status = gr.HTML(markup.status(texts.nothing_yet), label=texts.progress, elem_id="status")
            player = gr.HTML(label=texts.player, elem_id="player")
            captions = gr.HTML(label=texts.captions, elem_id="captions")
            waveform = gr.Audio(
                label=texts.waveform, interactive=False, visible=False, elem_id="speech", buttons=["download"]
            )
            downloads = gr.HTML(label=texts.download, elem_id="downloads")
    with gr.Row(equal_height=False):
        with gr.Group(), gr.Accordion(texts.basic, open=False):
            components: dict[str, gr.components.Component] = {
                "input": target,
                "voice": chosen.voice,
                "ref_text": chosen.ref_text,
                **{name: fields.build(name) for name in BASIC},
            }
        with gr.Group(), gr.Accordion(texts.advanced, open=False):
            components |= {name: fields.build(name) for name in fields.advanced}
            die = gr.Button("🎲 " + texts.die, size="sm", min_width=80)
    gr.Examples([[text] for text in texts.example_texts], [target], label=texts.examples, api_visibility="private")
    with gr.Accordion(texts.history, open=True):
        takes = gr.HTML(markup.takes([], "", texts), label=texts.history, elem_id="takes")

    parameters = [each for each in SpeechParams.arguments() if each.name in components]
    names = [each.name for each in parameters]

    async def speak(request: gr.Request, *values: Any) -> AsyncGenerator[dict[Any, Any], None]:
        """Speaks a text; the file comes last. A clip takes precedence over a voice."""
        visitor = Visitor.of(request)
        clip, made = values[len(names) :]
        with show_failures(texts):
            given = {name: value for name, value in zip(names, values, strict=False) if value not in (None, "")}
            params = SpeechParams.of({"input": "", **given}).with_defaults(settings, profile)
            recording = recordings.begin(params.speed, params.sample_rate or RATE)
            finished = None
            try:
                yield {
                    status: markup.status(texts.waiting, busy=True),
                    player: markup.player(recording, visitor.prefix, texts),
                    waveform: gr.Audio(None, visible=False),
                    downloads: "",
                    captions: "",
                }
                data = await upload.read(clip) if clip else None
                stage = texts.waiting
                parts: list[Part] = []
                times = WordTimes()
                async with aclosing(backend.narrate(params, data, caller=visitor.client)) as events:
                    async for event in events:
                        finished = event.finished or finished
                        if event.progress:
                            stage = _stage(event.progress, texts)
                        if event.audio is not None:
                            times.write(event.audio)
                            await recording.write(event.audio)
                        shown: dict[Any, Any] = {status: markup.status(stage, recording.seconds, busy=True)}
                        if event.spoken_part:
                            parts.append(await asyncio.to_thread(times.timed, event.spoken_part))
                            shown[captions] = captions_of(parts, recording.id, params.speed, texts.captions)
                        yield shown
            except Exception as error:
                yield {status: markup.status(sentence(error, texts), failed=True), player: ""}
                raise
            finally:
                await recordings.end(recording)
            assert finished  # noqa: S101 - comes last of the events, and once
            await _keep(recording, settings)
            source = Path(clip).name if clip else params.voice or ""
            taken = Taken(recording.id, params.input, source, finished, recording.seconds)
            made = [taken, *made]
            yield {
                status: markup.finished(taken, texts),
                waveform: gr.Audio(recording.path, visible=True),
                downloads: markup.downloads(taken, visitor.prefix, texts),
                captions: captions_of(_heard(finished.parts, parts), recording.id, params.speed, texts.captions),
                takes: markup.takes(made, visitor.prefix, texts),
                history: made,
            }

    own = {"clip": None, "made": ()}
    # Gradio reads the names of its API from it.
    speak.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("request", _POSITIONAL, annotation=gr.Request),
            *(each.replace(kind=_POSITIONAL) for each in parameters),
            *(inspect.Parameter(name, _POSITIONAL, default=default) for name, default in own.items()),
        ]
    )

    def expect(target_text: str) -> str:
        """Estimates how long a text will last, and in how many parts it will be spoken."""
        if not target_text.strip():
            return ""
        chunks = plan(normalise(target_text[: settings.max_text_length]), Budget())
        seconds = sum(Pace().codes(chunk.text) / CODES_A_SECOND + chunk.pause for chunk in chunks)
        parts = texts.counted[len(chunks) > 1].format(parts=len(chunks))
        return markup.hint(texts.estimate.format(seconds=round(seconds), parts=parts))

    given = [*(components[name] for name in names), chosen.clip]
    outputs = [waveform, status, player, downloads, takes, captions]
    running = generate.click(
        speak,
        [*given, history],
        [*outputs, history],
        api_name="generate",
        show_progress="hidden",
        concurrency_limit=None,
    )
    # Shown only when it is true: the generator's last update may still be on its way.
    stop.click(None, None, None, cancels=[running], api_visibility="private").then(
        lambda: markup.status(texts.stopped), None, status, api_visibility="private", show_progress="hidden"
    )
    target.change(expect, target, estimate, show_progress="hidden", trigger_mode="always_last", api_name="estimate")
    die.click(lambda: random.randrange(_SEEDS), None, components["seed"], api_visibility="private")  # noqa: S311 - no secret
    return chosen.voice


def _stage(progress: Progress, texts: Texts) -> str:
    stage = texts.stages[progress.stage]
    if progress.parts > 1:
        stage += " · " + texts.of.format(part=progress.part, parts=progress.parts)
    return stage


def _heard(finished: Sequence[Part], timed: Sequence[Part]) -> Sequence[Part]:
    """Returns the parts with the words that Whisper heard, or else with the estimated ones."""
    return [part if part.words else other for part, other in zip(finished, timed, strict=True)]


async def _keep(recording: Recording, settings: Settings) -> None:
    """Stores a copy for the operator. The speech is still good without it."""
    if outputs := Outputs.of(settings):
        try:
            await asyncio.to_thread(lambda: outputs.keep(recording.path.read_bytes(), ".wav"))
        except OSError as error:
            logger.warning("No copy could be kept in OUTPUTS_DIR: %s", error)
