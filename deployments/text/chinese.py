"""Normalises Chinese and Japanese."""

import re
from typing import Final, Literal

from deployments.text.codes import SILENT, part_silent
from deployments.text.draft import Draft
from deployments.text.grammars import read
from deployments.text.options import NormalizationOptions

_DIGITS: Final = "零一二三四五六七八九"
_PLACES: Final = ("千", "百", "十", "")
_SCALES: Final = ("", "万", "亿", "万亿")
_ORDINAL: Final = re.compile(r"第(\d{9,16})(?![\d.,])")
_LONG: Final = re.compile(r"(?<![\d第.,:/-])(?!1[3-9]\d{9}(?!\d))[1-9]\d{8,14}(?![.,:/-]?\d)")
_PHONE: Final = re.compile(
    r"(?<![\d.,-])(?:\+\d{1,3}[ -]?)?(?:\(?0\d{2,3}\)?[ -]?\d{3,4}[ -]?\d{4}"
    r"|1[3-9]\d[ -]?\d{4}[ -]?\d{4}|[48]00-\d{3}-\d{4})(?![\d-])"
)
_YEAR: Final = re.compile(
    r"(公元前?)?(\d{1,4})(?=年)|(?<![\d.])(\d{1,4}) ?(ad|a\.d\.|bc|b\.c\.)(?![A-Za-z])", re.IGNORECASE
)
_ERA: Final = re.compile(r"(?<![\d.])(\d{3,4}年(?:\d{1,2}月(?:\d{1,2}[日号])?)?) ?(bc|ad)(?![A-Za-z])", re.IGNORECASE)
_DATE: Final = re.compile(
    r"(?<![\d./:-])(?P<year>\d{4}|\d{2})(?P<mark>[-/.·])(?P<month>1[0-2]|0?[1-9])(?P=mark)(?P<day>3[01]|[12]\d|0?[1-9])(?![\d./·-])"
)
_PADDED: Final = re.compile(r"(?<=[年月])0(?=[1-9][月日号])|(?<![\d.:])0(?=[1-9]月)")
_DAY: Final = re.compile(r"(?<![\d.,:/~-])\d{1,2}(?=[月日号])")
_MONEY: Final = re.compile(
    r"(?P<minus>-)?(?P<sign>US\$|HK\$|[$€£¥₩₹])(?P<amount>\d+(?:,\d{3})*(?:\.\d+)?)(?P<scale>[万亿])?(?![\d.,]*\d|[A-Za-z-])"
    r"(?P<word>(?:人民币|美|欧|日|港|韩)?元|块)?"
)
_AFTER: Final = re.compile(
    r"(?<![\d.,%])(?P<amount>\d+(?:,\d{3})*(?:\.\d+)?)(?P<scale>[万亿])?(?P<sign>[$€£¥₩₹])(?![A-Za-z\d])"
)
_CURRENCIES: Final = {
    **{"$": "美元", "US$": "美元", "HK$": "港元", "€": "欧元", "£": "英镑", "¥": "元", "₩": "韩元", "₹": "卢比"},
}
_PERCENTS: Final = re.compile(r"(?<![\d.])(-?\d+(?:\.\d+)?)%? ?[-~–到至] ?(-?\d+(?:\.\d+)?)%")
_MINUS: Final = re.compile(r"(?<![\w%)）-])[-−](?=\d+(?:\.\d+)?(%|/\d))")
_MIXED: Final = re.compile(r"(?<!\d)(\d+)又(\d+)分之(\d+)")
_UNITS: Final = {
    "g": "克",
    "m": "米",
    "㎡": "平方米",
    "㎏": "公斤",
    "㎝": "厘米",
    "㎜": "毫米",
    "㎞": "公里",
    "㎎": "毫克",
}
_UNIT: Final = re.compile(r"(?<=\d)[gm](?![A-Za-z\d²³/])|[㎡㎏㎝㎜㎞㎎]")
_POWER: Final = re.compile(r"(?<=[\w)])\^(-?\d+)")
_GROUPED: Final = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)")
_RANKED: Final = re.compile(r"(?<![\d.,])(\d+)(?:st|nd|rd|th)(?![A-Za-z\d])")
_PADDED_ROW: Final = re.compile(r"(?<![\d.,:/%-])0\d+(?![A-Za-z\d:/-]|[.,]\d|[年月日号时点分秒])")
_SPACED: Final = re.compile(r"(?<=[\d)]) ?([-+×÷=*]) ?(?=[\d(])")
_VERSION: Final = re.compile(r"(?<![A-Za-z\d.])[vV]?\d+(?:\.\d+){2,}(?![\w.])")
_CODE: Final = re.compile(r"(?P<letters>[A-Za-z])-(?=\d)")
_SIGNS: Final = {
    "±": "正负",
    "~": "约",
    "≈": "约等于",
    "≠": "不等于",
    "≤": "小于等于",
    "≥": "大于等于",
    "<": "小于",
    ">": "大于",
}
_SIGN: Final = re.compile(r" ?((?<![\d%])~|(?<![<>=])[±≈≠≤≥<>]) ?(?=\d)")
_SPAN: Final = re.compile(
    r"[^\s，。！？；：、“”‘’《》（）()【】「」『』\"\\{}\[\]!?;…—]+(?: (?=\d)[^\s，。！？；：、（）()\"\\{}\[\]!?;]+)*"
)
_SYMBOLS: Final = {"%": "百分号", "&": "和", "+": "加", "=": "等于", "@": "at", "°": "度", "×": "乘", "÷": "除以"}
_SIMPLE: Final = re.compile(
    r"(?<=[\u4e00-\u9fff ])(?<![公元年月])([13-9][013-9]{0,7})(?:\.(\d{1,8}))?"
    r"(?=[\u4e00-\u9fff])(?![年月日号时点分秒代后又])"
)
"""Numbers that need no grammar, which takes a millisecond: 2 is 二 or 两 by what it counts."""
_WIDE: Final = r"\u2e80-\u9fff"
_NUMBERED: Final = re.compile(
    rf"(?:[{_WIDE}]{{1,3}}|(?<![^{_WIDE}]))[^{_WIDE}]*\d[^{_WIDE}]*(?:[{_WIDE}]{{1,2}}[^{_WIDE}]*\d[^{_WIDE}]*)*[{_WIDE}]{{0,2}}"
)
"""Numbers with the characters beside them."""


def read_chinese(text: str, options: NormalizationOptions) -> str:
    """Writes the numbers and signs of a stretch of Chinese in words; what no rule reads is left whole."""
    draft = Draft(text)
    draft.read(_PHONE, _phone if options.phone_normalization else re.Match.group)
    draft.read(_VERSION, lambda match: "点".join(map(_quantity, match.group().lstrip("vV").split("."))))
    draft.rewrite(_prepared if options.unit_normalization else _dated)
    draft.read(_ORDINAL, lambda match: f"第{_quantity(match[1])}")
    draft.read(_LONG, lambda match: _quantity(match.group()))
    draft.read(_PADDED_ROW, lambda match: _row(match.group()))
    draft.read(_SIMPLE, lambda match: _decimal(match[1], match[2]))
    draft.read(_SPAN, lambda match: _span(match.group(), "zh"))
    if options.replace_remaining_symbols:
        draft.rewrite(_symbols)
    return draft.finish()


def read_japanese(text: str, options: NormalizationOptions) -> str:
    """Writes the numbers of a stretch of Japanese in words; what no rule reads is left whole."""
    draft = Draft(text)
    draft.read(_SPAN, lambda match: _span(match.group(), "ja"))
    if options.replace_remaining_symbols:
        draft.rewrite(lambda text: SILENT.sub(part_silent, text))
    return draft.finish()


def _span(text: str, language: Literal["zh", "ja"]) -> str | None:
    # The grammars read a number by the few characters beside it; the rest would only take their time.
    return _NUMBERED.sub(lambda match: read(match.group(), language) or match.group(), text)


def _prepared(text: str) -> str:
    return _UNIT.sub(lambda match: _UNITS[match.group()], _dated(text))


def _dated(text: str) -> str:
    text = _ERA.sub(lambda match: ("公元前" if match[2].lower() == "bc" else "公元") + match[1], text)
    text = _POWER.sub(r"的\1次方", text)
    if "=" in text:
        text = _SPACED.sub(r"\1", text)
    text = _RANKED.sub(r"第\1", _GROUPED.sub(lambda match: match.group().replace(",", ""), text))
    text = _DATE.sub(_date, text)
    text = _YEAR.sub(_year, _PADDED.sub("", text))
    text = _DAY.sub(lambda match: _quantity(match.group()), text)
    text = _MONEY.sub(_sum, text)
    text = _AFTER.sub(_sum, text)
    text = _MIXED.sub(lambda match: f"{_quantity(match[1])}又{_quantity(match[2])}分之{_quantity(match[3])}", text)
    text = _PERCENTS.sub(lambda match: f"{match[1]}%到{match[2]}%", text)
    text = _CODE.sub(r"\g<letters> ", _MINUS.sub("负", text))
    text = re.sub(r"(?<=[\d分点]) ?[-–~] ?(?=[上下]午)", "到", text)
    return _SIGN.sub(lambda match: _SIGNS[match[1]], text)


def _date(match: re.Match[str]) -> str:
    if len(match["year"]) == 2 and match["mark"] in "-.":  # a version or a code
        return match.group()
    return f"{_row(match['year'])}年{_quantity(str(int(match['month'])))}月{_quantity(str(int(match['day'])))}日"


def _year(match: re.Match[str]) -> str:
    if era := match[4]:
        return f"公元{'前' if era[0] in 'bB' else ''}{_row(match[3])}年"
    # 50年 may be fifty years; with the era, or four digits, it is a year.
    return f"{match[1] or ''}{_row(match[2])}" if match[1] or len(match[2]) == 4 else match.group()


def _sum(match: re.Match[str]) -> str:
    minus = "-" if "minus" in match.groupdict() and match["minus"] else ""
    if word := match.groupdict().get("word"):
        return f"{minus}{match['amount']}{match['scale'] or ''}{word}"
    return f"{minus}{match['amount']}{match['scale'] or ''}{_CURRENCIES[match['sign']]}"


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match.group())
    return ("加" if match.group().startswith("+") else "") + "，".join(map(_row, groups)).replace("一", "幺")


def _symbols(text: str) -> str:
    text = re.sub(r" ?([&+=@°×÷%]) ?(?=\w)", lambda match: _SYMBOLS[match[1]], text)
    return SILENT.sub(part_silent, text)


def _row(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def _decimal(whole: str, decimals: str | None) -> str:
    return _quantity(whole) + (f"点{_row(decimals)}" if decimals else "")


def _quantity(digits: str) -> str:
    """Returns a whole number as it is said: 一亿零一百."""
    if len(digits) > 1 and digits[0] == "0":
        return _row(digits)
    if len(digits) > 4 * len(_SCALES):
        return _row(digits)
    padded = digits.zfill(-(-len(digits) // 4) * 4)
    groups = [padded[at : at + 4] for at in range(0, len(padded), 4)]
    text = "".join(
        _group(group) + (scale if int(group) else "") for group, scale in zip(groups, _scales(groups), strict=True)
    )
    text = re.sub("零+", "零", text).strip("零")
    return re.sub("^一十", "十", text) or "零"


def _scales(groups: list[str]) -> list[str]:
    return list(reversed(_SCALES[: len(groups)]))


def _group(digits: str) -> str:
    # Four digits, with a 零 for each gap.
    read = (_DIGITS[int(digit)] + (place if digit != "0" else "") for digit, place in zip(digits, _PLACES, strict=True))
    return "".join(read).rstrip("零") or "零"
