import pytest

from deployments.text.normalisation import normalise


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("我在2024年5月6日花了$1,234.5", "我在二零二四年五月六日花了一千二百三十四点五美元"),
        ("2019·2·10，12/2/2", "二零一九年二月十日，一二年二月二日"),
        ("公元前202年，1234b.c.", "公元前二零二年，公元前一二三四年"),
        ("1000000011个", "十亿零一十一个"),
        ("13812345678", "幺三八，幺二三四，五六七八".replace("，", "")),
        ("打020-7946-0958", "打零二零，七九四六，零九五八"),
        ("１０％-20%，-98%", "百分之十到百分之二十，负百分之九十八"),
        ("5又2分之1，3/4", "五又二分之一，四分之三"),
        ("1.2g，100㎡，20℃", "一点二克，一百平方米，二十摄氏度"),
        ("5 - 3 = 2", "五减三等于二"),
        ("￥500，500￥，€5", "五百元，五百元，五欧元"),
        ("上午9:00-下午5:30", "上午九点到下午五点三十分"),
        ("版本v1.2.3，0571", "版本一点二点三，零五七一"),
        ("约~50人，2个，200", "约约五十人，两个，两百"),
        ("价格￥7,000元，$5美元", "价格七千元，五美元"),
        ("x^2", "x的二次方"),
        ("21st世纪", "第二十一世纪"),
    ],
)
def test_chinese_is_read_as(text: str, read: str) -> None:
    assert normalise(text, "zh") == read


@pytest.mark.parametrize("text", ["B2B公司", "金鑰 0x%02X 已跳過", "參數數量 (%1$u) 無效"])
def test_what_the_grammars_misread_is_left_whole(text: str) -> None:
    assert normalise(text, "zh") == text


@pytest.mark.parametrize(
    ("text", "read"),
    [("10,000円", "一万円"), ("10:30に5人", "十時三十分に五人"), ("-5度、50%", "マイナス五度、五十パーセント")],
)
def test_japanese_is_read_as(text: str, read: str) -> None:
    assert normalise(text, "ja") == read
