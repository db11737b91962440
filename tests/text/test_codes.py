import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("H2O, B2B, 3D, C24", "H two O, B two B, three D, C twenty-four"),
        ("GPT-4o, F-16, 7-eleven", "GPT-four o, F-sixteen, seven-eleven"),
        ("MH370, BA2490", "MH three hundred and seventy, BA two four nine zero"),
        ("pre-1990, 100-year-old", "pre-nineteen ninety, one hundred-year-old"),
        ("i5-1340P", "i five-one three four zero P"),
        ("4K at 1080p", "four K at ten eighty p"),
        ("a 401(k)", "a four oh one k"),
        ("1.5M users", "one point five million users"),
        ("Chapter IV, PART XL", "Chapter four, PART forty"),
        ("Louis XIV, World War II", "Louis the fourteenth, World War two"),
        ("I am, MIX CD, Vitamin C", "I am, MIX CD, Vitamin C"),
        ("@me, C# and C++", "at me, C sharp and C plus plus"),
        ("C#, F#.", "C sharp, F sharp."),
        ("2 * 3 * 4", "two times three times four"),
        ("a < b, and/or, a / b", "a is less than b, and/or, a slash b"),
        ("snake_case_name", "snake case name"),
        ("cost: 5 → 6", "cost: five to six"),
        ("file(s), box(es)", "files, boxes"),
        ("**bold** _it_", "bold it"),
    ],
)
def test_codes_and_symbols_are_read_as(text: str, read: str) -> None:
    assert normalise(text) == read
