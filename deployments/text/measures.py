"""Reads quantities in English: with units, as percentages, fractions, ranges, and in sums of arithmetic."""

import re
from functools import cache
from typing import Final

from deployments.text.grammars import read
from deployments.text.numerals import AMOUNT, spell_amount, spell_number, spell_pairs

_GLUED: Final = (
    r"(?:[kcmnμd]?m[²³23]?|[kmμ]?g|[mkcd]?[lL]|[kMGT]?Hz|[kKMGTP]i?B|[kMG]b|[kMG]?bps|mbps|kbps|gbps|[kMGm]?W|kWh|[mk]?V"
    r"|mAh"
    r"|[mk]A|k?J|k?cal|k?Pa|hPa|psi|dB|°[CFK]?|ha|mi|yd|ft|in|oz|lbs?|tb?sp|qt|gal|kgs|kms|mph|kph|kmh"
    r"|rpm|fps|ppm|dpi|mmHg|sq\.? ?(?:ft|mi|m|km)|cc"
    r"|ms|μs|ns|sec|secs|s|min|mins|h|hr|hrs|[kM]?Ω)(?:/(?:s|h|hr|min|kg|l|L|m[²³23]?|day|sec))?"
)
_APART: Final = _GLUED.replace("|in|", "|")
"""Units that may follow a space: "5 in" is more often a number before a word."""
_LEFT: Final = r"(?<![\w.,:/$€£¥'-])"
_RIGHT: Final = r"(?![\w%°/²³]|[.,:'–-]\d)"
_NUMBERS: Final = (
    rf"(?:(?P<sign>(?<![^\s(\[{{\"'=<>:;])[-+±~≈]) ?)?(?P<number>{AMOUNT})(?: ?(?:[-–~]|to|x|×) ?(?P<most>{AMOUNT}))?"
)
MEASURE: Final = re.compile(rf"{_LEFT}{_NUMBERS}(?P<plus>\+)?(?:(?P<glued>{_GLUED})| (?P<apart>{_APART})){_RIGHT}")
RESOLUTION: Final = re.compile(rf"{_LEFT}(\d{{3,4}}) ?[x×] ?(\d{{3,4}}){_RIGHT}")
INCHES: Final = re.compile(rf"{_LEFT}(?P<number>{AMOUNT})\"(?!\w)")
PER_UNIT: Final = re.compile(rf"{_LEFT}(?P<number>{AMOUNT}) ?/ ?(?P<unit>kg|km|m|l|g|h|s|hr|min|day){_RIGHT}")
PERCENT: Final = re.compile(
    rf"{_LEFT}{_NUMBERS.replace(' ?(?:[-–~]|to|x|×) ?', '[%‰]? ?[-–~] ?')} ?(?P<unit>[%‰])(?!\w|[.,]\d|[-–]\d)"
)
FRACTION: Final = re.compile(
    rf"{_LEFT}(?P<minus>(?<!\S)-)?(?:(?P<whole>\d+) )?(?P<over>\d{{1,4}})/(?P<under>\d{{1,4}})(?:st|nd|rd|th|TH)?"
    r"(?: ?(?P<unit>tb?sp|lbs?|oz|kg|km|mi|qt|gal|ft|yd|hrs?|min))?(?![\w/]|[.,-]\d)"
)
RANGE: Final = re.compile(
    rf"{_LEFT}(?P<first>{AMOUNT})(?:[-–~]| [-–~] )(?P<last>{AMOUNT}){_RIGHT}(?! ?=|-[A-Za-z\d]{{1,2}}\b)"
)
PRODUCT: Final = re.compile(
    rf"{_LEFT}(?P<first>{AMOUNT}) ?[x×] ?(?P<second>{AMOUNT})(?: ?[x×] ?(?P<third>{AMOUNT}))?{_RIGHT}"
)
MULTIPLIER: Final = re.compile(rf"{_LEFT}(?P<number>{AMOUNT})[x×](?= [a-z]{{2}})")
"""10x faster"""
_OPERAND: Final = rf"(?:[-−]?{AMOUNT}|[-−]?[A-Za-z](?!\w))"
EXPRESSION: Final = re.compile(
    rf"(?<![\w.,:/$'-]){_OPERAND}(?: ?[-−+*/×÷^=<>≤≥≠≈±] ?{_OPERAND})+(?![\w%°]|[.,:/'-]\d|[²³])"
)
_OPERATION: Final = re.compile(
    rf"((?:(?:^|(?<=[-−+*/×÷^=<>≤≥≠≈±])|(?<=[+*/×÷^=<>≤≥≠≈±] ))[-−])?(?:{AMOUNT}|[A-Za-z]))|([-−+*/×÷^=<>≤≥≠≈±])"
)
_OPENING: Final = re.compile(r"(?<![^\s(])\"")
_CLOSING: Final = re.compile(r"(?<=[^\s(\d])\"")
_NO_EXPRESSION: Final = re.compile(r"[A-Za-z\d.,]+(?: ?[-−/] ?[A-Za-z\d.,]+)*")
HEIGHT: Final = re.compile(r"(?<![\w.,:/'\"-])(\d{1,2})'(\d{1,2})\"(?!\w)")
SCIENTIFIC: Final = re.compile(rf"{_LEFT}({AMOUNT})[eE]([+-]?\d{{1,3}}){_RIGHT}")
_OPERATORS: Final = {
    **{"-": "minus", "−": "minus", "+": "plus", "*": "times", "×": "times", "/": "divided by", "÷": "divided by"},
    **{"^": "to the power of", "=": "equals", "<": "is less than", ">": "is greater than", "±": "plus or minus"},
    **{"≤": "is at most", "≥": "is at least", "≠": "is not equal to", "≈": "is about"},
}
_SIGNS: Final = {"-": "minus ", "+": "plus ", "±": "plus or minus ", "~": "about ", "≈": "about ", None: ""}
_UNITS: Final = {
    **{"m": "meters", "μm": "micrometers", "nm": "nanometers", "dm": "decimeters", "km/h": "kilometers per hour"},
    **{"°": "degrees", "°C": "degrees Celsius", "°F": "degrees Fahrenheit", "°K": "degrees Kelvin", "Ω": "ohms"},
    **{"l": "liters", "L": "liters", "s": "seconds", "m/s": "meters per second", "ns": "nanoseconds"},
    **{"kmh": "kilometers per hour", "kph": "kilometers per hour", "mAh": "milliampere hours", "cal": "calories"},
    **{
        "lb": "pounds",
        "lbs": "pounds",
        "rpm": "revolutions per minute",
        "fps": "frames per second",
        "ppm": "parts per million",
        "dpi": "dots per inch",
        "mmHg": "millimeters of mercury",
        "ms": "milliseconds",
        "dB": "decibels",
    },
    **{"min": "minutes", "mins": "minutes", "h": "hours", "hr": "hours", "hrs": "hours", "sec": "seconds"},
    **{
        "KB": "kilobytes",
        "kB": "kilobytes",
        "MB": "megabytes",
        "GB": "gigabytes",
        "TB": "terabytes",
        "KiB": "kibibytes",
    },
    **{"Gbps": "gigabits per second", "gbps": "gigabits per second", "kWh": "kilowatt hours", "hPa": "hectopascals"},
    **{"kcal": "kilocalories", "psi": "pounds per square inch", "kV": "kilovolts", "J": "joules", "kPa": "kilopascals"},
    **{"mL": "milliliters", "in": "inches", "mV": "millivolts", "mA": "milliamperes", "mW": "milliwatts"},
    **{"MW": "megawatts", "GW": "gigawatts", "kJ": "kilojoules", "Pa": "pascals", "kΩ": "kilohms", "MΩ": "megohms"},
    **{"kb": "kilobits", "Mb": "megabits", "Gb": "gigabits", "sq. ft": "square feet", "sq.ft": "square feet"},
    **{
        "fps": "frames per second",
        "ppm": "parts per million",
        "dpi": "dots per inch",
        "mmHg": "millimeters of mercury",
    },
    **{"cc": "cc", "μs": "microseconds", "dl": "deciliters", "cl": "centiliters", "kbps": "kilobits per second"},
    **{"tsp": "teaspoons", "tbsp": "tablespoons", "qt": "quarts", "gal": "gallons", "kgs": "kilograms"},
    **{"kms": "kilometers"},
    **{"MiB": "mebibytes", "GiB": "gibibytes", "W": "watts", "V": "volts", "kHz": "kilohertz", "Hz": "hertz"},
}
_SAID: Final = {"24/7": "twenty-four seven", "9/11": "nine eleven"}
_SCORED: Final = re.compile(
    r"\b(?:scor|rat(?:e|ing)|grad(?:e|ing)|mark|gave|giv|got)\w*(?:\W+\w+){0,4}\W*$", re.IGNORECASE
)
"""What is scored before 9/10."""
_LEAST_MARKS: Final = 4
_PARTS: Final = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def read_measure(match: re.Match[str]) -> str | None:
    """Reads a match of MEASURE: minus five degrees Celsius, two by eight square meters."""
    unit = match["glued"] or match["apart"]
    words = _quantity(match)
    name = _unit(unit)
    if words is None or name is None:
        return None
    words = f"{words} plus" if match["plus"] else words
    return f"{words} {_singular(name) if words == 'one' else name}"


def read_resolution(match: re.Match[str]) -> str | None:
    """Reads a match of RESOLUTION: nineteen twenty by ten eighty."""
    return f"{spell_pairs(match[1])} by {spell_pairs(match[2])}"


def read_inches(match: re.Match[str]) -> str | None:
    """Reads a match of INCHES, unless its mark closes a quotation."""
    words = spell_amount(match["number"])
    before = match.string[max(0, match.start() - 200) : match.start()]
    if words is None or len(_OPENING.findall(before)) > len(_CLOSING.findall(before)):
        return None
    return f"{words} {'inch' if words == 'one' else 'inches'}"


def read_per_unit(match: re.Match[str]) -> str | None:
    """Reads a match of PER_UNIT: twelve per kilogram."""
    name = _unit(match["unit"]) or f"{match['unit']}s"
    words = spell_amount(match["number"])
    return words and f"{words} per {_singular(name)}"


def read_percent(match: re.Match[str]) -> str | None:
    """Reads a match of PERCENT: ten to twenty percent."""
    words = _quantity(match)
    return words and f"{words} {'percent' if match['unit'] == '%' else 'per mille'}"


def read_fraction(match: re.Match[str]) -> str | None:
    """Reads a match of FRACTION: three and two quarters. Nothing is divided by zero or one."""
    if match.group() in _SAID:
        return _SAID[match.group()]
    if match["over"] == match["under"]:  # fifty-fifty
        words = spell_number(match["over"], "", "en")
        return f"{words} {words}"
    over, under = int(match["over"]), int(match["under"])
    if under < 2 or match["under"][0] == "0" or (len(match["over"]) > 1 and match["over"][0] == "0"):
        return None
    if under > _LEAST_MARKS and _SCORED.search(match.string[: match.start()]) and not match["whole"]:
        return f"{spell_number(str(over), '', 'en')} out of {spell_number(str(under), '', 'en')}"
    rank = spell_number(str(under), "", "en", "ordinal")
    one, many = _PARTS.get(under, (rank, f"{rank}s"))
    words = f"{spell_number(str(over), '', 'en')} {one if over == 1 else many}"
    unit = _unit(match["unit"]) if match["unit"] else None
    if match["whole"]:
        words = f"{spell_number(match['whole'], '', 'en')} and {words}"
        words = f"{words} {unit}" if unit else words
    elif unit:
        single = _singular(unit)
        words = f"{words} of {'an' if single[0] in 'aeiou' else 'a'} {single}"
    return f"minus {words}" if match["minus"] else words


def read_range(match: re.Match[str]) -> str | None:
    """Reads a match of RANGE, if its numbers rise or "from" precedes them: ten to twenty."""
    first, last = (float(match[name].replace(",", "")) for name in ("first", "last"))
    padded = any(match[name].startswith("0") and match[name][1:2].isdigit() for name in ("first", "last"))
    is_range = not padded and (first < last or match.string[: match.start()].lower().endswith("from "))
    # a telephone number without its area
    if re.fullmatch(r"\d{3}-\d{3}[1-9]" if is_range else r"\d{3}-\d{4}", match.group()):
        return ", ".join(str(spell_number(group, "", "en", "digits")) for group in match.group().split("-"))
    if not is_range:
        return None
    return _joined([match["first"], match["last"]], "to")


def read_product(match: re.Match[str]) -> str | None:
    """Reads a match of PRODUCT: two by eight."""
    return _joined([match["first"], match["second"], match["third"]], "by")


def read_multiplier(match: re.Match[str]) -> str | None:
    """Reads a match of MULTIPLIER: ten times."""
    words = spell_amount(match["number"])
    return words and f"{words} {'time' if words == 'one' else 'times'}"


def read_expression(match: re.Match[str]) -> str | None:
    """Reads a match of EXPRESSION: five minus three equals two. F-16, 1/2 and 1-2-3 are none."""
    written = match.group()
    if _NO_EXPRESSION.fullmatch(written) or not re.search(r"\d|=", written):
        return None
    words: list[str | None] = []
    for operand, operator in _OPERATION.findall(written):
        number = operand.lstrip("-−")
        if operator:
            words.append(_OPERATORS[operator])
        elif number.isalpha():
            words.append(f"minus {number}" if number != operand else number)
        else:
            spoken = spell_amount(number)
            words.append(spoken and (f"minus {spoken}" if number != operand else spoken))
    return None if None in words else " ".join(map(str, words))


def read_height(match: re.Match[str]) -> str | None:
    """Reads a match of HEIGHT: five foot ten."""
    feet, inches = (spell_number(str(int(digits)), "", "en") for digits in match.groups())
    return f"{feet} foot" if inches == "zero" else f"{feet} foot {inches}"


def read_scientific(match: re.Match[str]) -> str | None:
    """Reads a match of SCIENTIFIC: one times ten to the power of minus six."""
    words, power = spell_amount(match[1]), spell_number(str(abs(int(match[2]))), "", "en")
    return words and f"{words} times ten to the power of {'minus ' if match[2][0] == '-' else ''}{power}"


def _quantity(match: re.Match[str]) -> str | None:
    number, most = match["number"], match["most"]
    if most is None:
        words = spell_amount(number)
    else:
        words = _joined([number, most], "by" if re.search("[x×]", match.group()[len(number) :][:3]) else "to")
    return words and _SIGNS[match["sign"]] + words


def _joined(numbers: list[str | None], word: str) -> str | None:
    words = [spell_amount(number) for number in numbers if number]
    return None if None in words else f" {word} ".join(map(str, words))


@cache
def _unit(unit: str) -> str | None:
    # The grammars name units in the plural after a number.
    over, _, under = unit.partition("/")
    if unit not in _UNITS and under and (name := _unit(over)) and (one := _unit(under)):
        return f"{name} per {_singular(one)}"
    unit = re.sub("(?<=m)[23]", lambda match: "²³"[int(match.group()) - 2], unit)
    if unit in _UNITS:
        return _UNITS[unit]
    said = read(f"5 {unit}", "en")
    if said is None or not said.startswith("five ") or said == f"five {unit}":
        return None
    return said.removeprefix("five ")


def _singular(name: str) -> str:
    words = name.split(" ")
    at = words.index("per") - 1 if "per" in words else len(words) - 1
    at = 0 if words[0] in ("degrees", "revolutions") else at
    irregular = {"feet": "foot", "inches": "inch", "hertz": "hertz"}
    words[at] = irregular.get(words[at], words[at].removesuffix("s"))
    return " ".join(words)
