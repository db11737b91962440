"""Spells out sums of money in English."""

import re
from typing import Final

from deployments.text.numerals import AMOUNT, parse_number, spell_amount, spell_number

_Currency = tuple[str, str, str, str]
_DOLLAR: Final = ("dollar", "dollars", "cent", "cents")
_CURRENCIES: Final[dict[str, _Currency]] = {
    "$": _DOLLAR,
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "", ""),
    "₩": ("won", "won", "", ""),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "₽": ("ruble", "rubles", "kopeck", "kopecks"),
    "₺": ("lira", "lira", "kurus", "kurus"),
    "₴": ("hryvnia", "hryvnias", "kopiyka", "kopiykas"),
    "₦": ("naira", "naira", "kobo", "kobo"),
    "₫": ("dong", "dong", "", ""),
    "₱": ("peso", "pesos", "centavo", "centavos"),
    "฿": ("baht", "baht", "satang", "satang"),
    "₪": ("shekel", "shekels", "agora", "agorot"),
    "₿": ("bitcoin", "bitcoins", "", ""),
    "¢": ("cent", "cents", "", ""),
    "R$": ("real", "reais", "centavo", "centavos"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "SEK": ("Swedish krona", "Swedish kronor", "öre", "öre"),
    "NOK": ("Norwegian krone", "Norwegian kroner", "øre", "øre"),
    "DKK": ("Danish krone", "Danish kroner", "øre", "øre"),
    "PLN": ("zloty", "zlotys", "grosz", "groszy"),
}
_CODES: Final = {
    **{"RMB": "CNY", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩", "INR": "₹", "RUB": "₽", "USD": "US$"},
    **{"CAD": "CA$", "AUD": "AU$", "NZD": "NZ$", "HKD": "HK$", "SGD": "S$", "元": "CNY"},
}
_DOLLARS: Final = {
    **{"US": "US", "U.S.": "US", "CA": "Canadian", "C": "Canadian", "A": "Australian", "AU": "Australian"},
    **{"NZ": "New Zealand", "HK": "Hong Kong", "S": "Singapore", "NT": "New Taiwan"},
}
SCALES: Final = {
    **{"k": "thousand", "m": "million", "mm": "million", "mn": "million", "mio": "million"},
    **{"b": "billion", "bn": "billion", "t": "trillion", "tn": "trillion", "tr": "trillion"},
}
_PER: Final = {
    **{"mo": "month", "mth": "month", "hr": "hour", "h": "hour", "wk": "week", "w": "week", "yr": "year", "y": "year"},
    **{"d": "day", "min": "minute", "s": "second", "sec": "second", "kg": "kilogram", "lb": "pound", "l": "liter"},
    **{"g": "gram", "km": "kilometer", "m": "meter", "mi": "mile", "oz": "ounce", "ft": "foot", "GB": "gigabyte"},
}
_SIGN: Final = r"(?:US \$|(?:US|U\.S\.|CA|AU|NZ|HK|NT|C|A|S)?\$|R\$|[€£¥₩₹₽₺₴₦₫₱฿₪₿])"
_CODE: Final = rf"(?:{'|'.join(code for code in (*_CODES, *_CURRENCIES) if code.isascii() and code.isalpha())})"
_SPACED: Final = rf"(?:[1-9]\d{{0,2}}(?: \d{{3}}){{1,4}}(?! ?\d)(?:\.\d+)?|{AMOUNT})"
SUM: Final = re.compile(
    r"(?<![\w.,$€£¥])(?:"
    rf"(?P<minus>[-−])?(?:(?P<sign>{_SIGN}) ?|(?P<code>{_CODE}) ?)(?P<amount>{AMOUNT})"
    rf"(?: ?(?P<scale0>thousand|million|billion|trillion|mn|bn|tn|[kmbt]))?"
    rf"(?: ?(?:[-–~]|to) ?(?P<again>(?P=sign))?(?P<most>{AMOUNT}))?"
    r"(?: ?(?P<scale>thousand|million|billion|trillion|mio|mm|mn|bn|tn|tr|[kmbt]))?"
    rf"|(?P<minus2>[-−])?(?P<sum>{_SPACED})(?: ?[-–~] ?(?P<upto>{_SPACED}))?"
    r"(?: ?(?P<scale2>thousand|million|billion|trillion|mio|mm|mn|bn|tn|tr|[kmbt]))?"
    rf" ?(?:(?P<after>[€£¥₩₹₽₺₴₦₫₱฿₪₿¢$]|(?:US|CA|AU|NZ|HK)\$)|(?P<code2>{_CODE}))"
    rf")(?![\w$€£¢]|[.,]?\d|[-–][\d$€£¥₩₹])(?: ?/ ?(?P<per>[A-Za-z]+))?(?!\w|'s\b)",
    re.IGNORECASE,
)
UNREADABLE: Final = re.compile(
    rf"(?:{_SIGN}) ?\d[\w.,$€£-]*(?<![.,-])|(?<![\d.,])\d[\d.,]*[€£¥₩₹¢][\w.,$€£-]+(?<![.,-])"
)
"""A lookalike of a sum, with further digits or letters."""


def read_sum(match: re.Match[str]) -> str | None:
    """Reads a match of SUM; None if there are no words for its number."""
    currency = _currency(match)
    least, most = match["amount"] or match["sum"], match["most"] or match["upto"]
    if match["sign"] and match["code"]:
        return None
    first, scale = (_scale(match[name]) for name in ("scale0", "scale"))
    scale = scale or _scale(match["scale2"]) or ("" if most else first)
    first = first or scale
    if most and "." not in least + most and match["again"] is None and first == scale:  # $5-10
        words = f"{spell_amount(least.replace(' ', ''))} to {_words(most, scale, currency)}"
    elif most:
        words = f"{_words(least, first, currency)} to {_words(most, scale, currency)}"
    else:
        words = f"{_words(least, scale, currency)}"
    if "None" in words.split():
        return None
    per = match["per"]
    words = f"{words} per {_PER.get(per, _PER.get(per.lower(), per))}" if per else words
    return f"minus {words}" if match["minus"] or match["minus2"] else words


def _scale(written: str | None) -> str:
    return SCALES.get((written or "").lower(), (written or "").lower())


def _currency(match: re.Match[str]) -> _Currency:
    code = (match["code"] or match["code2"] or "").upper()
    sign = _CODES.get(code, code) or (match["sign"] or match["after"]).upper().replace(" ", "")
    if sign != "R$" and sign.endswith("$") and len(sign) > 1:
        country = _DOLLARS[sign[:-1]]
        return (f"{country} dollar", f"{country} dollars", "cent", "cents")
    return _CURRENCIES[sign]


def _words(amount: str, scale: str, currency: _Currency) -> str | None:
    one, many, cent, cents = currency
    amount = amount.replace(" ", "")
    whole, decimals = parse_number(amount, "en")
    parts = decimals.rstrip("0")
    if scale or len(parts) > 2 or (parts and not cent):
        words = spell_amount(amount)
        return words and " ".join(filter(None, [words, scale, many]))
    number = int(whole or "0")
    if not parts:
        words = spell_number(str(number), "", "en")
        return words and f"{words} {one if number == 1 else many}"
    change = int(parts.ljust(2, "0"))
    small = f"{spell_number(str(change), '', 'en')} {cent if change == 1 else cents}"
    large = spell_number(str(number), "", "en")
    return large and (f"{large} {one if number == 1 else many} {small}" if number else small)
