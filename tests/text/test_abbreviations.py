import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Mr. O'Neil and Dr. Who", "Mister O'Neil and Doctor Who"),
        ("Prof. Xu and Sen. Lee", "Professor Xu and Senator Lee"),
        ("No. 5, no. I said", "number five, no. I said"),
        ("pp. 10-12, vol. 3, fig. 2", "pages ten to twelve, volume three, figure two"),
        ("cats, e.g. lions", "cats, for example lions"),
        ("Cups, etc. We met Ann Lee Jr.", "Cups, et cetera. We met Ann Lee Junior."),
        ("cups, etc., w/o milk, w/ tea", "cups, et cetera, without milk, with tea"),
        ("A vs. B", "A versus B"),
    ],
)
def test_abbreviations_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read
