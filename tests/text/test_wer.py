import pytest

from deployments.text.wer import Alignment, error_rate, tokens


def test_texts_are_compared_as_they_sound() -> None:
    assert error_rate("It's 5 o'clock, Dr. Who!", "its five o'clock dr who") == 1 / 5
    assert error_rate("你好，世界。", "你好世界") == 0
    assert error_rate("你好，世界。", "你好世间") == 0.25
    assert tokens("Hello 世界") == ["hello", "世", "界"]
    assert tokens("GPT是2024年的") == ["gpt", "是", "二", "零", "二", "四", "年", "的"]
    assert error_rate("iPhone手机很贵", "iPhone 手机很贵") == 0
    assert error_rate("", "anything") == 1


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("我买了二十五个苹果。", "我买了25个苹果"),
        ("他有两百块，", "他有200块"),
        ("電話是幺三八幺二三四五六七八", "电话是13812345678"),
        ("這裡沒有臺灣的頭髮", "这里没有台湾的头发"),
        ("二零二四年五月六日", "2024年5月6日"),
    ],
)
def test_chinese_is_compared_whatever_its_digits_and_characters(written: str, heard: str) -> None:
    assert error_rate(written, heard, "zh") == 0


def test_numbers_are_compared_as_their_language_says_them() -> None:
    assert error_rate("Es kostet fünfundzwanzig Euro.", "Es kostet 25 Euro.", "de") == 0
    assert error_rate("Es kostet fünfundzwanzig Euro.", "Es kostet 26 Euro.", "de") == 0.25


@pytest.mark.parametrize("heard", ["red green dark blue", "red blue", "red grey blue"])
def test_an_inserted_a_missing_and_another_word_count_the_same(heard: str) -> None:
    assert error_rate("Red, green, blue.", heard) == 1 / 3


@pytest.mark.parametrize(
    ("text", "heard", "last", "cut"),
    [
        ("One two, three. Four five.", "one two three four five", 2, "One two, three."),
        ("One two, three. Four five.", "uh one two free four five", 4, "One two, three. Four"),
        ("One two, three. Four five.", "uh one two free four five", 3, None),
        ("你好，世界。再见。", "你好世界 再见", 0, "你好，世界。"),
        ("Nothing like it", "one two three", 1, None),
        ("用GPT写的，很好。", "用 GPT 写 的 很 好", 3, "用GPT写的，"),
        ("Other words before haze. And more.", "amber brook cedar dune ember haze", 5, None),
    ],
)
def test_a_text_is_cut_after_the_word_that_was_heard(text: str, heard: str, last: int, cut: str | None) -> None:
    assert Alignment(text, heard.split()).cut_after(last) == cut
