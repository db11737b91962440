import re
import unicodedata
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.text.normalisation import normalise
from deployments.text.numerals import readings
from deployments.text.options import NormalizationOptions

READ = {
    "It cost $5.20.": "It cost five dollars twenty cents.",
    "£1 and €2 million": "one pound and two million euros",
    "In 1999 we sold 12,345.": "In nineteen ninety-nine we sold twelve thousand three hundred and forty-five.",
    "Pi is 3.14.": "Pi is three point one four.",
    "The 21st of May": "The twenty-first of May",
    "Agent 007": "Agent zero zero seven",
    "50% of A&B, plus 1": "fifty percent of A and B, plus one",
    "Python 3.10 and version 2.0": "Python three point one zero and version two point zero",
    "x^2 and 10^6": "x to the power of two and ten to the power of six",
    "-5℃ (or 1,000 °F)": "minus five degrees Celsius (or one thousand degrees Fahrenheit)",
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
    "smile :) now ;-) XD. I <3 it": "smile now. I it",
    "Rs. 500, ₹1,00,000": "five hundred rupees, one hundred thousand rupees",
    "a scale of 1:1,000,000": "a scale of one to one million",
    "ISBN 978-3-16-148410-0": "ISBN nine seven eight three one six one four eight four one zero zero",
    "%1@1=a1": "%1@1=a1",
    "I ❤️ it, step 1️⃣ 👍🏽": "I it, step one",
    "He is 5'10\" tall, she 6'0\"": "He is five foot ten tall, she six foot",
    "Call 5551234567": "Call five five five one two three four five six seven",
    "№ 5": "number five",
    "one\n\n two \n three": "one\n\ntwo\nthree",
    # rows of the field's report
    "I`ll, we`re, won´t": "I'll, we're, won't",
    "¥500 ₹1,000 50¢ C$5": "five hundred yen one thousand rupees fifty cents five Canadian dollars",
    "issue #42, ~50": "issue number forty-two, about fifty",
    "５０％ and ５，０００": "fifty percent and five thousand",
    "Call 020 7946 0958": "Call zero two zero, seven nine four six, zero nine five eight",
    "It costs 1 500 € today": "It costs one thousand five hundred euros today",
    "5 - 3 = 2, 10%-20%": "five minus three equals two, ten to twenty percent",
    "1203 items, in 1066": "one thousand two hundred and three items, in ten sixty-six",
    "1️⃣2️⃣ and 5😀6": "one two and five six",
    "1 234 567, 1 500 people, 100 200 300": "one million two hundred and thirty-four thousand five hundred and "
    "sixty-seven, one thousand five hundred people, one hundred two hundred three hundred",
    "555-1234 or 1.000.000": "five five five, one two three four or one million",
    "one page\x0canother": "one page\n\nanother",
}
KEPT = [
    "2,5 of it",
    "Prices: €1.234,56",
    "$5x",
    "$5-10-15",
    "5%x",
    "1,23,456",
    "Call 1234567890123456789012345.",
    "E=mc2",
    "12'500, 1_000",
    "1/2-3/4",
    "1 234,56",
    "你好，世界！“引号”".replace("“", '"').replace("”", '"'),
]


@pytest.mark.parametrize("text", READ)
def test_is_read_as(text: str) -> None:
    assert normalise(text) == READ[text]


@pytest.mark.parametrize("text", KEPT)
def test_what_no_rule_reads_is_left_whole(text: str) -> None:
    assert normalise(text) == text


@pytest.mark.parametrize(
    ("language", "text", "read"),
    [
        (
            "en",
            "The brand 小米 sold 1,234 phones for $5.20 & 3.5% more",
            "The brand 小米 sold one thousand two hundred and thirty-four phones for five dollars twenty cents and "
            "three point five percent more",
        ),
        ("en", "他有 5 apples and 3 pears", "他有 五 apples and three pears"),
        ("zh", "我有3个 apples and 3 pears", "我有三个 apples and three pears"),
        ("en", "I have 5\n我有3个", "I have five\n我有三个"),
        ("zh", "见a.io/b=5。谢谢, but 5% is it", "见a dot io slash b equals five。谢谢, but five percent is it"),
        ("auto", "我买了 iPhone 15，对吧\n15", "我买了 iPhone 十五，对吧\n十五"),
        ("auto", "I met 5 of 20\n15", "I met five of twenty\nfifteen"),
        ("auto", "これは3本です", "これは三本です"),
        ("ja", "10,000円", "一万円"),
        ("de", "Die 3 Leute kaufen 5个", "Die drei Leute kaufen 五个"),
    ],
)  # fmt: skip
def test_each_language_of_a_text_is_read_by_its_own_rules(language: str, text: str, read: str) -> None:
    assert normalise(text, language) == read


@pytest.mark.parametrize(
    ("language", "text", "read"),
    [
        ("de", "20 °C", "zwanzig °C"),
        ("de", "Ich habe 3 & mehr", "Ich habe drei & mehr"),
        ("de", "1.000 Menschen und 1,5 Liter", "eintausend Menschen und eins Komma fünf Liter"),
        ("de", "Version 3.5 vom 1.5.2024", "Version 3.5 vom 1.5.2024"),
        ("fr", "10 500 habitants", "dix mille cinq cents habitants"),
        ("es", "2.500 personas", "dos mil quinientos personas"),
        ("vi", "Năm 2024", "Năm hai nghìn lẻ hai mươi bốn"),
        ("sw", "Nina 3", "Nina 3"),
        ("am", "1234567", "1234567"),
        ("hu", "3,1415926", "3,1415926"),
    ],
)
def test_other_languages_have_their_numbers_read_where_there_are_words(language: str, text: str, read: str) -> None:
    assert normalise(text, language) == read


EVERYTHING = "5 km, example.com, a@b.com, (555) 123-4567, file(s), A & B"


@pytest.mark.parametrize(
    ("switch", "read"),
    [
        ("unit_normalization", "five km"),
        ("url_normalization", "example.com"),
        ("email_normalization", "a@b.com"),
        ("phone_normalization", "(555) 123-4567"),
        ("optional_pluralization_normalization", "file(s)"),
        ("replace_remaining_symbols", "A & B"),
    ],
)
def test_each_switch_leaves_its_own_as_it_is_written(switch: str, read: str) -> None:
    done = normalise(EVERYTHING).split(", ")
    changed = normalise(EVERYTHING, options=NormalizationOptions(**{switch: False})).split(", ")
    assert read in changed
    assert read not in done
    assert sum(part not in done for part in changed) == 1


def test_nothing_changes_where_normalisation_is_off() -> None:
    assert normalise(EVERYTHING, options=NormalizationOptions(normalize=False)) == EVERYTHING


@pytest.mark.parametrize(
    "piece",
    ["@", "a@", " ", "%", "1,", "$", "+1 ", "(11) ", "1 ", "=\n", "(", "-$1", "1-", "$1-", "a.", "a-", "1'", "好a1 ",
     "1好",     "19", "123 ", "1.", "x+", "1 000 ", "a1.", "0123 456 ", "I ", "[", "<a", "May 5 "],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "zh", "fr"])
def test_no_text_takes_more_than_its_length_deserves(piece: str, language: str) -> None:
    started = process_time()
    normalise("a" + piece * (20_000 // len(piece)), language)
    assert process_time() - started < 10  # what is not linear takes minutes


numbers = st.one_of(
    st.integers(0, 10**12).map(str),
    st.integers(1000, 10**12).map("{:,}".format),
    st.decimals(0, 10**6, allow_nan=False, places=2).map(str),
    st.from_regex(r"0\d{1,5}", fullmatch=True).filter(str.isascii),
)


@given(
    numbers,
    st.sampled_from(
        ["{}", "I have {} of them.", "in {}", "{} items", "{}%", "-{}", "{} km", "{}kg", "{}°C", "({})",
         "{}, then", "about ~{}", "#{}", "x = {}", "{} + 1", "No. {}", "v{}", "{}x", "a{}b", "{}-year-old",
             "/{}", "{}?"]
    ),
)  # fmt: skip
def test_a_number_in_english_is_said_with_its_value_or_stays(number: str, frame: str) -> None:
    done = normalise(frame.format(number)).lower()
    plain = f" {' '.join(word for word in re.findall('[a-z]+', done) if word != 'and')} ".replace(" oh ", " zero ")
    ways = [re.sub(r"\band\b|-", " ", way).replace(" oh ", " zero ") for way in readings(number)]
    assert number in done or any(re.search(rf" {' '.join(way.split())} ", plain) for way in ways), done


@given(st.integers(0, 10**9), st.integers(0, 99), st.sampled_from(["${}", "{} €", "-${}", "USD {}", "${}/mo"]))
def test_a_sum_in_english_is_said_with_its_value(whole: int, cents: int, frame: str) -> None:
    said = normalise(frame.format(f"{whole:,}.{cents:02}"))
    wanted = {"dollar" if "$" in frame or "USD" in frame else "euro": whole, "cent": cents}
    pieces = re.split(r"(?: US)? (dollar|euro|cent)s? ?", said.removeprefix("minus "))
    found = dict(zip(pieces[1::2], pieces[::2], strict=False))
    assert {unit: words for unit, words in found.items() if words != "zero"} == {
        unit: normalise(f"{number:,}") for unit, number in wanted.items() if number
    }


@settings(deadline=None)
@given(st.text(st.sampled_from("ab 12.,:/-+$%€&@#()'\"xkm°~=*"), max_size=24))
def test_nothing_in_english_is_half_read(text: str) -> None:
    for left in re.findall(r"[^\s]*\d[^\s]*", normalise(text)):
        core = re.sub(r"^[^\d]+|[^\d]+$", "", left)
        assert core in " ".join(text.split())


def value(numeral: str) -> int:
    total = group = digit = 0
    for character in numeral:
        if character in "零一二三四五六七八九":
            digit = "零一二三四五六七八九".index(character)
        elif character == "两":
            digit = 2
        elif character in "十百千":
            group += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            digit = 0
        else:
            total = total + (group + digit) * 10**4 if character == "万" else (total + group + digit) * 10**8
            group = digit = 0
    return total + group + digit


@given(st.integers(0, 10**12), st.sampled_from(["我有{}个", "{}", "第{}", "花了{}元", "大约{}多"]))
def test_a_number_in_chinese_is_said_with_its_value_or_digit_by_digit(number: int, frame: str) -> None:
    before, after = frame.split("{}")
    said = normalise(frame.format(number), "zh")[len(before) :].removesuffix(after)
    row = "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))
    assert said.replace("幺", "一") == row or value(said) == number


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=200), st.sampled_from(["en", "zh", "ja", "de", "auto"]))
def test_any_text_is_taken(text: str, language: str) -> None:
    normalise(text, language)


@given(st.text(st.characters(exclude_categories=["Nd", "No"]), max_size=200))
def test_letters_stay(text: str) -> None:
    done = normalise(text).lower()
    letters = [
        c for c in unicodedata.normalize("NFC", text).lower() if c.isalpha() and ord(c) < 0x3000 and c != "\u00b5"
    ]
    rest = iter(done)
    assert all(letter in rest for letter in letters)


pieces = [
    "a",
    "is",
    "5",
    "$5.20",
    "10%",
    "1,234",
    "5 km",
    "你好",
    "3个",
    "May 5",
    "x^2",
    "a@b.com",
    "Dr. Who",
    "H2O",
    "5:30 pm",
]


@given(st.lists(st.sampled_from(pieces), max_size=12).map(", ".join))
def test_what_was_normalised_once_stays(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
