import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.text.normalisation import normalise

READ = {
    "It cost $5.20.": "It cost five dollars twenty cents.",
    "£1 and €2 million": "one pound and two million euros",
    "In 1999 we sold 12,345.": "In nineteen ninety-nine we sold twelve thousand three hundred and forty-five.",
    "Pi is 3.14.": "Pi is three point one four.",
    "The 21st of May": "The twenty-first of May",
    "Agent 007": "Agent zero zero seven",
    "50% of A&B, plus 1": "fifty percent of A and B, plus one",
    "100%.": "one hundred percent.",
    "Python 3.10 and version 2.0": "Python three point one zero and version two point zero",
    "x^2 and 10^6": "x to the power of two and ten to the power of six",
    "-5℃ (or 1,000 °F)": "minus five degrees C (or one thousand degrees F)",
    "the 21ST and the 1,000th": "the twenty-first and the one thousandth",
    "10 000 people, 12\u00a0500 books": "ten thousand people, twelve thousand five hundred books",
    "By 5%\n\nThen": "By five percent\n\nThen",
    "C++\nJava": "C plus plus\nJava",
    "Title\n=====\nText": "Title\n\nText",
    "“Quoted” and ‘so’…": "\"Quoted\" and 'so'...",
    "Ｆｕｌｌ　ｗｉｄｔｈ": "Full width",
    "zero\u200bwidth, soft\u00adhyphen": "zerowidth, softhyphen",
    "tabs\tand   spaces": "tabs and spaces",
    "e\u0301t\u00e9": "\u00e9t\u00e9",
    "smile 😀 now": "smile now",
    "I ❤️ it, step 1️⃣ 👍🏽": "I it, step one",
    "$5-10 or €1,000–€2,000": "five to ten dollars or one thousand to two thousand euros",
    "He is 5'10\" tall, she 6'0\"": "He is five foot ten tall, she six foot",
    "Call 5551234567": "Call five five five one two three four five six seven",
    "123456789 or 1,234,567,890 people": "one hundred and twenty-three million four hundred and fifty-six thousand "
    "seven hundred and eighty-nine or one billion two hundred and thirty-four million five hundred and sixty-seven "
    "thousand eight hundred and ninety people",
    "№ 5": "number five",
    "5 & example.com/path?x=3&y=4": "five and example.com/path?x=3&y=4",
    "one\n\n two \n three": "one\n\ntwo\nthree",
}
KEPT = [
    "See https://example.org/a%20b?q=1&r=2 for it.",
    "Write to jo@example.org today.",
    "Call (555) 123-4567 or +1 555 123 4567.",
    "$5x",
    "At 9:15 a.m.",
    "On 2024-05-06, version 1.2.3.",
    "Room 4b and the A380",
    "他有３个苹果，对吧？".replace("３", "3"),
    "你好，世界！“引号”".replace("“", '"').replace("”", '"'),
    "Call 1234567890123456789012345.",
    "example.com/path?x=3",
    "See github.com, 365.com or example.org:8080/a=1&b=2 for it.",
    "The '90s, and 5'10 of it",
    "$5-10-15",
]


@pytest.mark.parametrize("text", READ)
def test_is_read_as(text: str) -> None:
    assert normalise(text) == READ[text]


@pytest.mark.parametrize("text", KEPT)
def test_is_left_as_it_is(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "The brand 小米 sold 1,234 phones for $5.20 & 3.5% more",
            "The brand 小米 sold one thousand two hundred and thirty-four phones for five dollars twenty cents and "
            "three point five percent more",
        ),
        ("他有 5 apples and 3 pears", "他有 5 apples and three pears"),
        ("I have 5\n我有3个", "I have five\n我有3个"),
        ("见https://a.b/c?x=5。谢谢, but 5% is not much", "见https://a.b/c?x=5。谢谢, but five percent is not much"),
    ],
)
def test_english_among_chinese_is_read_as_english(text: str, read: str) -> None:
    assert normalise(text) == read


@pytest.mark.parametrize(
    "text", ["今天20°C", "我买了 iPhone 15，对吧", "用 Python 3.10 写", "over 12 500 人", "21st世纪", "100㎡"]
)
def test_what_stands_beside_chinese_or_has_no_words_is_left(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(("language", "text", "read"), [("de", "20 °C", "zwanzig °C"), ("zh", "20℃", "20°C")])
def test_signs_that_are_read_stay_where_they_have_no_word(language: str, text: str, read: str) -> None:
    assert normalise(text, language) == read


@pytest.mark.parametrize(
    ("language", "text", "read"),
    [
        ("de", "Ich habe 3 & mehr", "Ich habe drei & mehr"),
        ("de", "1.000 Menschen und 1,5 Liter", "eintausend Menschen und eins Komma fünf Liter"),
        ("de", "Version 3.5 vom 1.5.2024", "Version 3.5 vom 1.5.2024"),
        ("fr", "10 500 habitants", "dix mille cinq cents habitants"),
        ("es", "2.500 personas", "dos mil quinientos personas"),
        ("vi", "Năm 2024", "Năm hai nghìn lẻ hai mươi bốn"),
        ("sw", "Nina 3", "Nina 3"),
    ],
)
def test_numbers_are_read_in_the_language_that_is_asked_for(language: str, text: str, read: str) -> None:
    assert normalise(text, language) == read


@pytest.mark.parametrize(
    ("language", "text"),
    [("am", "1234567"), ("hu", "3,1415926"), ("pl", "0,0000001"), ("kn", "99999999999"), ("ce", "1,5")],
)
def test_a_number_for_which_a_language_has_no_words_stays(language: str, text: str) -> None:
    assert normalise(text, language) == text


@pytest.mark.parametrize(
    "piece",
    ["@", "a@", " ", "%", "1,", "$", "+1 ", "(11) ", "1 ", "=\n", "(", "-$1", "1-", "$1-", "a.", "a-", "1'", "好a1 "],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_text_takes_more_than_its_length_deserves(piece: str, language: str) -> None:
    # Patterns that look ahead again and again would take minutes for this, not a fraction of a second.
    normalise("a" + piece * (50_000 // len(piece)), language)


@given(st.text(max_size=200))
def test_any_text_is_taken_and_its_letters_stay(text: str) -> None:
    done = normalise(text)
    letters = [c for c in unicodedata.normalize("NFC", text) if c.isalpha() and ord(c) < 0x3000]
    rest = iter(done)
    assert all(letter in rest for letter in letters)


@given(st.text(st.sampled_from("ab 1,.$%\n&@é你。 "), max_size=60))
def test_what_was_normalised_once_stays(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
