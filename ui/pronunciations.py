"""The tab of stored pronunciations."""

from typing import Any

import gradio as gr

from deployments.text.pronunciation import LONGEST, Pronunciation
from ui import markup
from ui.backend import Backend
from ui.failure import show_failures
from ui.texts import Texts


def pronunciations_tab(tab: gr.Tab, texts: Texts, backend: Backend) -> None:
    """Builds the tab."""
    with gr.Row(equal_height=False):
        with gr.Column(min_width=320):
            gr.HTML(markup.step(texts.pronunciations))
            table = gr.HTML(label=texts.pronunciations, elem_id="pronunciations")
            chosen = gr.Dropdown([], label=texts.pronunciation, elem_id="pronunciation", allow_custom_value=True)
            delete = gr.Button(texts.delete, variant="stop", elem_id="delete-pronunciation")
        with gr.Column(min_width=320):
            gr.HTML(markup.step(texts.add_pronunciation))
            term = gr.Textbox(label=texts.term, max_length=LONGEST, elem_id="term")
            replacement = gr.Textbox(
                label=texts.replacement, info=texts.replacement_info, max_length=LONGEST, elem_id="replacement"
            )
            with gr.Row():
                language = gr.Textbox(label=texts.only_language, max_length=10, min_width=120)
                voice = gr.Textbox(label=texts.only_voice, max_length=100, min_width=120)
            case = gr.Checkbox(label=texts.case)
            add = gr.Button(texts.add, variant="primary", elem_id="add-pronunciation")
            status = gr.HTML(label=texts.text, elem_id="pronunciation-status")

    async def look() -> tuple[str, Any]:
        """Renders the stored pronunciations."""
        with show_failures(texts):
            found = await backend.list_pronunciations()
        choices = [(f"{each.pronunciation.term} → {each.pronunciation.replacement}", each.id) for each in found]
        value = choices[0][1] if choices else None
        return markup.pronunciations(found, texts), gr.Dropdown(choices=choices, value=value)

    async def add_pronunciation(
        term: str, replacement: str, language: str | None = None, voice: str | None = None, case: bool = False
    ) -> str:
        """Stores how a term is spoken."""
        with show_failures(texts):
            entry = Pronunciation(term, replacement, (language or "").strip() or None, voice or None, case)
            await backend.add_pronunciations([entry])
        return markup.status(texts.added.format(term=entry.term))

    async def delete_pronunciation(id: str) -> str:
        """Deletes a stored pronunciation."""
        with show_failures(texts):
            await backend.remove_pronunciation(id or "")
        return markup.status(texts.removed)

    shown = [table, chosen]
    tab.select(look, None, shown, api_name="pronunciations", show_progress="hidden")
    for event in (
        add.click(add_pronunciation, [term, replacement, language, voice, case], status, api_name="add_pronunciation"),
        delete.click(delete_pronunciation, chosen, status, api_name="delete_pronunciation"),
    ):
        event.success(look, None, shown, api_visibility="private", show_progress="hidden")
