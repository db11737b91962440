"""PDFs with a text layer, also damaged ones."""

import pytest

from deployments.errors import InvalidInput, ServiceError
from deployments.jobs.manuscript import read_file
from deployments.jobs.pdf import Pages, manuscript, read_pdf
from tests.support.pdfs import encrypted, pdf

PAGES = [
    ["Two Tales", "The fox ran over the hill and was not seen for the rest", "of the long day. It was glad.", "1"],
    ["Two Tales", "The dog had slept under the old tree, and it did not un-", "derstand why.", "2"],
    ["Two Tales", "They met again in the evening, as they had always done be-", "fore. It was late.", "3"],
]


def test_a_text_layer_becomes_chapters_by_the_outline() -> None:
    data = pdf(PAGES, [("The Fox", 0), ("The Dog", 1)], title="Two Tales", author="A. Writer")
    found = read_file(data, "tales.pdf")
    assert (found.title, found.author) == ("Two Tales", "A. Writer")
    assert [(chapter.title, chapter.text) for chapter in found.chapters] == [
        ("The Fox", "The fox ran over the hill and was not seen for the rest of the long day. It was glad."),
        (
            "The Dog",
            "The dog had slept under the old tree, and it did not understand why.\n\n"
            "They met again in the evening, as they had always done before. It was late.",
        ),
    ]


def test_lines_of_chapters_are_found_without_an_outline() -> None:
    text = ["Chapter 1.", "It ran.", "Chapter 2.", "It slept."]
    found = manuscript(Pages(["\n".join(text)]))
    assert [chapter.title for chapter in found.chapters] == ["Chapter 1.", "Chapter 2."]


@pytest.mark.parametrize(
    "data",
    [b"", b"%PDF-1.4", b"%PDF-1.4\n" + b"\xff" * 1000, pdf([[]]), encrypted(pdf(PAGES)), pdf(PAGES)[:700]],
    ids=["nothing", "a head", "noise", "no text", "a password", "half"],
)
def test_what_cannot_be_read_is_an_error_of_the_client(data: bytes) -> None:
    with pytest.raises(ServiceError) as refusal:
        read_file(data, "tales.pdf")
    assert refusal.value.status == 400


def test_a_file_that_takes_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too much to read"):
        read_pdf(pdf([["x" * 3_000_000] * 10]), cpu_seconds=1)
