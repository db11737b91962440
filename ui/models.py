"""The tab of the models: where they are loaded, and controls to move them."""

import gradio as gr

from deployments.residency.protocol import MODELS
from deployments.settings import Settings
from ui import markup
from ui.backend import Backend
from ui.failure import show_failures
from ui.texts import Texts

_EVERY: float = 3
"""Seconds between updates, while the tab is open."""


def models_tab(tab: gr.Tab, texts: Texts, backend: Backend, settings: Settings) -> gr.Timer:
    """Builds the tab; returns its timer, for other tabs to stop."""
    table = gr.HTML(label=texts.models, elem_id="models")
    gpus = gr.HTML(label=texts.gpu_columns[0], elem_id="gpus")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            model = gr.Dropdown([(texts.all_models, ""), *((m, m) for m in MODELS)], value="", label=texts.model)
            with gr.Row():
                load = gr.Button(texts.load, elem_id="load")
                unload = gr.Button(texts.unload, elem_id="unload")
                release = gr.Button(texts.release, elem_id="release")
        with gr.Column(min_width=320):
            timeout = gr.Number(settings.gpu_idle_timeout, label=texts.idle_timeout, minimum=0)
            set_timeout = gr.Button(texts.set_timeout)
    clock = gr.Timer(_EVERY, active=False)

    async def look() -> tuple[str, str]:
        """Renders the tables of models and GPUs."""
        with show_failures(texts):
            found = await backend.residence()
        return markup.models(found.models, texts), markup.gpus(found.gpus, texts)

    async def warm_model(model: str) -> None:
        """Loads a model, or all."""
        with show_failures(texts):
            await backend.warm(model or None)
        gr.Info(texts.ordered)

    async def offload_model(model: str) -> None:
        """Lets a model, or all, sleep in host memory, once its running requests have ended."""
        with show_failures(texts):
            await backend.offload(model or None, release=False)
        gr.Info(texts.ordered)

    async def release_model(model: str) -> None:
        """Unloads a model, or all, from the host's memory, too."""
        with show_failures(texts):
            await backend.offload(model or None, release=True)
        gr.Info(texts.ordered)

    async def change_timeout(seconds: float | None, model: str) -> None:
        """Changes the idle time after which a model falls asleep."""
        with show_failures(texts):
            await backend.set_timeout(model or None, seconds or 0)
        gr.Info(texts.ordered)

    shown = [table, gpus]
    tab.select(look, None, shown, api_name="models", show_progress="hidden")
    tab.select(lambda: gr.Timer(active=True), None, clock, api_visibility="private", queue=False)
    clock.tick(look, None, shown, api_visibility="private", show_progress="hidden")
    for event in (
        load.click(warm_model, model, None, api_name="load_model"),
        unload.click(offload_model, model, None, api_name="offload_model"),
        release.click(release_model, model, None, api_name="release_model"),
        set_timeout.click(change_timeout, [timeout, model], None, api_name="set_timeout"),
    ):
        event.success(look, None, shown, api_visibility="private", show_progress="hidden")
    return clock
