"""A checkpoint's tokenizer and chat template, without transformers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from tokenizers import Tokenizer

from deployments.llasa.replacements import read_tokenizer


class LlasaTokenizer:
    """What of a fast tokenizer Llasa needs: ids of a text, and the rendered template.

    Args:
        tokenizer: Its tokenizer.json.
        template: Its chat template, in Jinja.
        special: Special tokens by role, such as `bos_token`.
    """

    def __init__(self, tokenizer: Tokenizer, template: str, special: Mapping[str, str]) -> None:
        self._tokenizer = tokenizer
        self._template = template
        self._special = special
        self.tokens: dict[str, int] = tokenizer.get_vocab()
        """Ids by token, added ones included."""

    @classmethod
    def read(cls, folder: Path) -> "LlasaTokenizer":
        """Reads the files that transformers writes, of any version.

        Raises:
            OSError: a file is missing.
            Exception: tokenizer.json is not a tokenizer's; `tokenizers` has no type for it.
        """
        config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        file = folder / "chat_template.jinja"
        template = file.read_text(encoding="utf-8") if file.exists() else config.get("chat_template", "")
        if isinstance(template, list):  # several, by name
            template = next(item["template"] for item in template if item["name"] == "default")
        special = {role: _content(token) for role, token in config.items() if role.endswith("_token") and token}
        return cls(read_tokenizer(folder / "tokenizer.json"), template, special)

    def encode(self, text: str) -> list[int]:
        """Returns the ids of a text; adds none."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: list[int]) -> str:
        """Returns the text of ids, with special tokens."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=False)
        return text

    def reads(self, text: str) -> bool:
        """Returns whether every character of a text has a token."""
        unknown = self._special.get("unk_token")
        return unknown is None or self.tokens[unknown] not in self.encode(text)

    def render(self, messages: list[dict[str, str]], **variables: str) -> str:
        """Renders the chat template up to the end of the last message, which the model continues."""
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _raise
        template = environment.from_string(self._template)
        rendered = template.render(messages=messages, add_generation_prompt=False, **self._special, **variables)
        last = messages[-1]["content"].strip()
        return rendered[: rendered.rindex(last) + len(last)]


def _content(token: Any) -> str:
    return str(token["content"]) if isinstance(token, dict) else str(token)


def _raise(message: str) -> NoReturn:
    raise ValueError(message)
