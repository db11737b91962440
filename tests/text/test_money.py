import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("£1", "one pound"),
        ("£0.01", "one penny"),
        ("$1,000,000.50", "one million dollars fifty cents"),
        ("$1,234.50", "one thousand two hundred and thirty-four dollars fifty cents"),
        ("$5M or US$1.5bn", "five million dollars or one point five billion US dollars"),
        ("-$5", "minus five dollars"),
        ("CA$20, A$1", "twenty Canadian dollars, one Australian dollar"),
        ("20€ and 20 €, 5$", "twenty euros and twenty euros, five dollars"),
        ("$1.5", "one dollar fifty cents"),
        ("£1.111", "one point one one one pounds"),
        ("£5 MILLION", "five million pounds"),
        ("$5-10 or $5–$10", "five to ten dollars or five dollars to ten dollars"),
        ("US$5-10bn", "five to ten billion US dollars"),
        ("$100k-$200k", "one hundred thousand dollars to two hundred thousand dollars"),
        ("$5 million-$6 million", "five million dollars to six million dollars"),
        ("5-10 €", "five to ten euros"),
        ("$0.5/hr, £10/wk", "fifty cents per hour, ten pounds per week"),
        ("USD 5 and 5 EUR", "five US dollars and five euros"),
        ("¥30B", "thirty billion yen"),
    ],
)
def test_sums_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read


@pytest.mark.parametrize("text", ["$5x", "$1.2.3", "$5-10x", "$5-10-15", "XY$5x", "€1.234,56", "$12345678901234567890"])
def test_lookalikes_are_left_whole(text: str) -> None:
    assert normalise(text) == text
