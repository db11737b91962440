"""The fields of the page for the parameters of speech, made from their descriptions."""

from collections.abc import Mapping
from typing import Any, Final

import gradio as gr

from deployments.profiles import Profile
from deployments.service.parameters import SpeechParams
from deployments.settings import Settings
from ui.texts import Texts

OMITTED: Final = {
    "response_format": "each speech can be downloaded in every format",
    "details": "the page shows times and warnings of each speech",
    "keep": "copies are for the operator; visitors have downloads",
    "normalization_options": "the page has one switch for all of them",
    "pronunciations": "the page uses the stored ones",
    "max_new_tokens": "the page has a button that stops the speech",
    "instructions": "only profiles with captions read them; with those the page has the field",
}
"""Parameters that the page does not have, and why."""
BASIC: Final = ("speed", "temperature", "verify")
"""Parameters that everybody sees. Those that are neither here nor in the form itself are advanced."""
FORM: Final = ("input", "voice", "ref_text")

_RANGES: Final[Mapping[str, tuple[float, float, float]]] = {
    "speed": (0.25, 4, 0.05),
    "temperature": (0.1, 2, 0.05),
    "top_k": (0, 200, 1),
    "top_p": (0.05, 1, 0.01),
    "repetition_penalty": (0.5, 2, 0.01),
    "best_of": (1, 8, 1),
}
"""Minimum, maximum and step of sliders: the useful part of what is permitted."""
_RATES: Final = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


class SpeechFields:
    """Builds components.

    Args:
        texts: Labels. A parameter without any has its name and its description.
        settings: Hold the defaults.
        profile: Holds those that depend on the checkpoint.
    """

    def __init__(self, texts: Texts, settings: Settings, profile: Profile) -> None:
        self._texts = texts
        self._omitted = OMITTED.keys() - ({"instructions"} if profile.system else set())
        self._schemas = SpeechParams.schemas()
        self._defaults = SpeechParams(input="").with_defaults(settings, profile)

    @property
    def advanced(self) -> list[str]:
        """Names of the parameters for which the page has no place of their own."""
        return [name for name in self._schemas if name not in (*FORM, *BASIC, *self._omitted)]

    def build(self, name: str, prefix: str = "") -> gr.components.FormComponent:
        """Builds the component of a parameter where it is called. Its id is the parameter's name after a prefix."""
        schema = self._schemas[name]
        value = getattr(self._defaults, name)
        described = (name.replace("_", " ").capitalize(), schema["description"].replace("`", ""))
        label, info = self._texts.parameters.get(name, described)
        id = prefix + name.replace("_", "-")
        options: dict[str, Any] = {"value": value, "label": label, "info": info, "elem_id": id}
        if name == "sample_rate":
            return gr.Dropdown([(str(rate), rate) for rate in _RATES], **options)
        if "enum" in schema:
            empty = [] if value else [(self._texts.automatic, "")]
            return gr.Dropdown([*empty, *((each, each) for each in schema["enum"])], **options | {"value": value or ""})
        if schema["type"] == "boolean":
            return gr.Checkbox(**options)
        if name in _RANGES:
            minimum, maximum, step = _RANGES[name]
            return gr.Slider(minimum, maximum, step=step, **options)
        if schema["type"] == "string":
            return gr.Textbox(max_length=schema.get("maxLength"), **options)
        whole = {"precision": 0} if schema["type"] == "integer" else {}
        return gr.Number(minimum=schema.get("minimum"), maximum=schema.get("maximum"), **whole, **options)
