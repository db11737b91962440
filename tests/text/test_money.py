import pytest

from deployments.text.money import spell_money

READ = {
    "It cost $5.20.": "It cost five dollars twenty cents.",
    "£1": "one pound",
    "£0.01": "one penny",
    "$1,000,000.50": "one million dollars fifty cents",
    "$5M or US$1.5bn": "five million dollars or one point five billion US dollars",
    "-$5": "minus five dollars",
    "CA$20, A$1": "twenty Canadian dollars, one Australian dollar",
    "20€ and 20 €": "twenty euros and twenty euros",
    "$1.5": "one point five dollars",
    "£5 MILLION": "five million pounds",
    "$5-10, $5–$10": "five to ten dollars, five to ten dollars",
    "US$5-10bn": "five to ten billion US dollars",
    "5-10 €": "five to ten euros",
}


@pytest.mark.parametrize("text", READ)
def test_is_read_as(text: str) -> None:
    assert spell_money(text) == READ[text]


@pytest.mark.parametrize(
    "text",
    [
        "$5x",
        "$1.2.3",
        "$5-10x",
        "$5-10-15",
        "$5-123456789012345678",
        "XY$5",
        "$",
        "$ and 5",
        "5$",
        "$12345678901234567890",
    ],
)
def test_what_has_more_to_it_stays(text: str) -> None:
    assert spell_money(text) == text
