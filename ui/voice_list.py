"""The list of voices: one can be chosen, and each has a button that plays a sample of it."""

from collections.abc import Iterable
from html import escape
from typing import Final

import gradio as gr

from deployments.service.built_in import BUILT_IN
from deployments.voices.store import Voice
from ui.texts import Texts

DEFAULT: Final = BUILT_IN[0]
_SCRIPT: Final = """
const mark = () => element.querySelectorAll('input').forEach(each => { each.checked = each.value === props.value });
element.addEventListener('change', event => {
  props.value = event.target.value;
  trigger('select');
});
element.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button) trigger('play', { voice: button.value });
});
watch(['value', 'voices'], mark);
mark();
"""


def voice_list(texts: Texts) -> gr.HTML:
    """Builds the list where it is called. Its value is the name of a voice, or empty.

    It has the events `select`, and `play` with the name of a voice as `voice`.
    """
    # The template holds nothing but the one name: Gradio evaluates the text of a template, but not what it inserts.
    return gr.HTML(
        DEFAULT,
        label=texts.voice,
        html_template="${voices}",
        voices=listed(((name, None) for name in BUILT_IN), texts),
        js_on_load=_SCRIPT,
        elem_id="voice",
    )


def updated(found: Iterable[Voice], texts: Texts) -> gr.HTML:
    """Returns the update that shows the voices that exist, the stored ones first."""
    stored = [(voice.name, voice) for voice in found if not voice.built_in]
    return gr.HTML(voices=listed([*reversed(stored), *((name, None) for name in BUILT_IN)], texts))


def listed(voices: Iterable[tuple[str, Voice | None]], texts: Texts) -> str:
    """Renders the list of voices by name, with the data of stored ones."""
    rows = "".join(_row(name, voice, texts) for name, voice in voices)
    return f'<fieldset class="voices"><legend class="unseen">{escape(texts.voice)}</legend>{rows}</fieldset>'


def _row(name: str, voice: Voice | None, texts: Texts) -> str:
    value, label = escape(name), escape(f"{texts.hear}: {name}")
    about = f"{voice.duration:.0f} s" if voice else texts.built_in
    return (
        f'<div><label><input type="radio" name="voice" value="{value}"><span>{value}</span>'
        f'<span class="hint">{escape(about)}</span></label>'
        f'<button type="button" value="{value}" aria-label="{label}" title="{label}">▶</button></div>'
    )
