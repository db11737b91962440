"""Builds Llasa's prompt from engine ids.

The format is that of the training code (github.com/zhenye234/LLaSA_training) and of the model cards: the stock Llama 3
chat template around one user turn with both texts and an assistant turn that the reference codes begin. Checkpoints
with captions were trained with a system message, too.
"""

from functools import lru_cache
from typing import Final, Literal

import numpy as np

from deployments.errors import Unavailable
from deployments.llasa.protocol import TakeRequest
from deployments.llasa.style import style_lines
from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.llasa.vocabulary import SPEECH_START, TEXT_END, TEXT_START, Vocabulary
from deployments.text.anime import rewrite_anime

TEMPLATE_DATE: Final = "26 Jul 2024"
"""The template puts a date into every prompt. With today's date, the same seed would give different speech tomorrow."""


class PromptBuilder:
    """Builds prompts for one checkpoint.

    Args:
        tokenizer: Its tokenizer and chat template.
        vocabulary: Its engine ids.
        system: What its system message holds: see `Profile`.
        normaliser: How its training texts were written: see `Profile`.
    """

    def __init__(
        self,
        tokenizer: LlasaTokenizer,
        vocabulary: Vocabulary,
        system: Literal["captions"] | None = None,
        normaliser: Literal["anime"] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._captioned = system == "captions"
        self._write = rewrite_anime if normaliser == "anime" else str
        self._frame = lru_cache(maxsize=64)(self._render_frame)

    def build(self, request: TakeRequest) -> list[int]:
        """Returns engine ids up to where the model continues: after the reference codes, or after SPEECH_START.

        Raises:
            Unavailable: the reference's codes do not belong to this model.
        """
        size = self._vocabulary.codec_size
        if request.ref_codes.max(initial=0) >= size or request.ref_codes.min(initial=0) < 0:
            raise Unavailable(
                f"The reference has codes that this Llasa does not know, which has {size}: it was trained with another "
                "XCodec2. Set LLASA_MODEL_PATH and XCODEC_MODEL_PATH to checkpoints that belong together."
            )
        instructions = request.instructions if self._captioned else ""
        before, after = self._frame(_plain(request.instruction), _plain(instructions))
        text = self._write(request.text)
        if request.ref_text:
            text = f"{self._write(request.ref_text)} {text}"
        return [*before, *self._encode(_plain(text)), *after, *map(int, request.ref_codes)]

    def reads(self, text: str) -> bool:
        """Returns whether the whole text has tokens. Llama covers all text; the embedded model reads English."""
        return self._tokenizer.reads(_plain(text))

    def _encode(self, text: str) -> list[int]:
        ids = np.asarray(self._tokenizer.encode(text), np.int64)
        engine_ids: list[int] = self._vocabulary.engine_ids[ids].tolist()
        return engine_ids

    def _render_frame(self, instruction: str, instructions: str) -> tuple[list[int], list[int]]:
        """Returns the ids before and after the text, rendered by the checkpoint's own template once per instruction."""
        system = [{"role": "system", "content": style_lines(instructions)}] if self._captioned else []
        rendered = self._tokenizer.render(
            [
                *system,
                {"role": "user", "content": f"{instruction}:{TEXT_START}{TEXT_END}"},
                {"role": "assistant", "content": SPEECH_START},
            ],
            date_string=TEMPLATE_DATE,
        )
        before, after = rendered.split(TEXT_START + TEXT_END)
        return self._encode(before + TEXT_START), self._encode(TEXT_END + after)


def _plain(text: str) -> str:
    """Removes the vocabulary's markers from a text, so that a caller cannot control the template."""
    return text.replace("<|", "< |")
