import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("5 May 2024 and May 5th", "the fifth of May twenty twenty-four and May fifth"),
        ("The 21st of May", "The twenty-first of May"),
        ("Jan. 15 2020", "January fifteenth, twenty twenty"),
        ("2016/07/03, 15.01.2020", "July third, twenty sixteen, the fifteenth of January twenty twenty"),
        ("01/07/98", "January seventh, ninety-eight"),
        ("July 1876", "July eighteen seventy-six"),
        ("2024-05-06T10:30:00Z", "May sixth, twenty twenty-four ten hours thirty minutes and zero seconds"),
        ("mid-1980s, '80s, 2000s", "mid-nineteen eighties, eighties, two thousands"),
        ("1960s-1980s", "nineteen sixties to nineteen eighties"),
        ("1939-45, 1980-1986", "nineteen thirty-nine to forty-five, nineteen eighty to nineteen eighty-six"),
        ("in 2004", "in two thousand and four"),
        ("1203 items, 1500 people", "one thousand two hundred and three items, one thousand five hundred people"),
        ("may 5 people march 3 miles", "may five people march three miles"),
        ("Jan 5-7", "Jan five to seven"),
    ],
)
def test_dates_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read


@pytest.mark.parametrize("text", ["2024-13-45", "32/32/2024"])
def test_lookalikes_are_left_whole(text: str) -> None:
    assert normalise(text) == text
