"""Which chapters of a document a job speaks."""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from deployments.errors import InvalidInput

_MOST: Final = 9_999
_RANGES: Final = re.compile(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", re.ASCII)


def read_choice(choice: str) -> list[int]:
    """Returns the numbers in a choice such as `1,3-5`, from 1.

    Raises:
        InvalidInput: it is not such a choice.
    """
    numbers: set[int] = set()
    for stretch in choice.split(","):
        found = _RANGES.fullmatch(stretch)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last:
            raise InvalidInput("Give the numbers of chapters, such as 1,3-5.", "chapters")
        numbers.update(range(first, last + 1))
    return sorted(numbers)


def _read(given: Any) -> Any:
    """Returns the numbers of a choice, or of a form's fields; leaves all else to pydantic."""
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(each, str) for each in texts):
        return given
    try:
        return read_choice(",".join(texts))
    except InvalidInput as error:
        raise ValueError(error.message) from error


ChapterChoice = Annotated[
    list[Annotated[int, Field(ge=1, le=_MOST)]],
    BeforeValidator(_read),
    Field(
        min_length=1,
        max_length=_MOST,
        description="Numbers of the chapters to speak, as the outline has them; also as text: `1,3-5`. Default: all.",
    ),
]
