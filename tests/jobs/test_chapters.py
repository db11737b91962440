"""Choices of chapters."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from deployments.errors import InvalidInput
from deployments.jobs.chapters import ChapterChoice
from deployments.jobs.manuscript import read_text

CHOICE: TypeAdapter[list[int]] = TypeAdapter(ChapterChoice)
BOOK = read_text("# One\n\nA.\n\n# Two\n\nB.\n\n# Three\n\nC.", "markdown")


def chosen(numbers: list[int]) -> list[str]:
    return [chapter.title for chapter in BOOK.only(numbers).chapters]


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ([3, 1], [3, 1]),
        ("1,3-5", [1, 3, 4, 5]),
        (" 2 - 3 , 2", [2, 3]),
        (["1", "3-4"], [1, 3, 4]),  # a form with the field twice
        (["1,3"], [1, 3]),
    ],
)
def test_a_choice_is_numbers_or_text(given: Any, numbers: list[int]) -> None:
    assert CHOICE.validate_python(given) == numbers


@pytest.mark.parametrize(
    "given", [[], "", [""], "0", "3-1", "1-", "1;2", "1,,2", "-1", "1-99999", [0], ["x"], [None], 5]
)
def test_what_is_no_choice_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        CHOICE.validate_python(given)


def test_chosen_chapters_keep_their_order() -> None:
    assert chosen([3, 1, 3]) == ["One", "Three"]
    assert BOOK.only(None) == BOOK


@pytest.mark.parametrize(("numbers", "message"), [([], "at least one"), ([2, 7, 5], "no chapter 5: 3 in all")])
def test_chapters_that_do_not_exist_are_refused(numbers: list[int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        BOOK.only(numbers)
    assert refused.value.param == "chapters"
