"""The languages of the page."""

import re
from collections.abc import Iterator
from dataclasses import fields

from deployments import errors
from ui.book_texts import BookTexts
from ui.chinese import CHINESE
from ui.english import ENGLISH
from ui.languages import LANGUAGES
from ui.texts import Texts


def sentences(texts: Texts | BookTexts) -> Iterator[tuple[str, str]]:
    """All of a language, by where it stands."""
    for entry in fields(texts):
        value = getattr(texts, entry.name)
        if isinstance(value, str):
            yield entry.name, value
        elif isinstance(value, BookTexts):
            yield from ((f"{entry.name}.{name}", item) for name, item in sentences(value))
        elif isinstance(value, tuple):
            yield from ((f"{entry.name}.{n}", item) for n, item in enumerate(value))
        else:
            for key, item in value.items():
                texts_of = (item,) if isinstance(item, str) else item
                yield from ((f"{entry.name}.{key}.{n}", text) for n, text in enumerate(texts_of))


def test_every_language_says_everything_and_names_the_same_values() -> None:
    english = dict(sentences(ENGLISH))
    for texts in LANGUAGES:
        told = dict(sentences(texts))
        assert all(told.values())
        for name in english.keys() & told.keys():
            assert set(re.findall(r"{\w+}", told[name])) == set(re.findall(r"{\w+}", english[name])), name
        assert {name for name in english if not name.startswith("failures")} <= told.keys()


def test_chinese_has_a_word_for_every_kind_of_failure() -> None:
    kinds = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "code")}
    assert kinds - {"invalid_api_key"} == CHINESE.failures.keys()
