"""Names of languages: clients write `en`, `en-US`, `English` or `auto`."""

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

LANGUAGES: Final[Mapping[str, str]] = {
    "en": "english",
    "zh": "chinese",
    "de": "german",
    "es": "spanish",
    "ru": "russian",
    "ko": "korean",
    "fr": "french",
    "ja": "japanese",
    "pt": "portuguese",
    "tr": "turkish",
    "pl": "polish",
    "ca": "catalan",
    "nl": "dutch",
    "ar": "arabic",
    "sv": "swedish",
    "it": "italian",
    "id": "indonesian",
    "hi": "hindi",
    "fi": "finnish",
    "vi": "vietnamese",
    "he": "hebrew",
    "uk": "ukrainian",
    "el": "greek",
    "ms": "malay",
    "cs": "czech",
    "ro": "romanian",
    "da": "danish",
    "hu": "hungarian",
    "ta": "tamil",
    "no": "norwegian",
    "th": "thai",
    "ur": "urdu",
    "hr": "croatian",
    "bg": "bulgarian",
    "lt": "lithuanian",
    "la": "latin",
    "mi": "maori",
    "ml": "malayalam",
    "cy": "welsh",
    "sk": "slovak",
    "te": "telugu",
    "fa": "persian",
    "lv": "latvian",
    "bn": "bengali",
    "sr": "serbian",
    "az": "azerbaijani",
    "sl": "slovenian",
    "kn": "kannada",
    "et": "estonian",
    "mk": "macedonian",
    "br": "breton",
    "eu": "basque",
    "is": "icelandic",
    "hy": "armenian",
    "ne": "nepali",
    "mn": "mongolian",
    "bs": "bosnian",
    "kk": "kazakh",
    "sq": "albanian",
    "sw": "swahili",
    "gl": "galician",
    "mr": "marathi",
    "pa": "punjabi",
    "si": "sinhala",
    "km": "khmer",
    "sn": "shona",
    "yo": "yoruba",
    "so": "somali",
    "af": "afrikaans",
    "oc": "occitan",
    "ka": "georgian",
    "be": "belarusian",
    "tg": "tajik",
    "sd": "sindhi",
    "gu": "gujarati",
    "am": "amharic",
    "yi": "yiddish",
    "lo": "lao",
    "uz": "uzbek",
    "fo": "faroese",
    "ht": "haitian creole",
    "ps": "pashto",
    "tk": "turkmen",
    "nn": "nynorsk",
    "mt": "maltese",
    "sa": "sanskrit",
    "lb": "luxembourgish",
    "my": "myanmar",
    "bo": "tibetan",
    "tl": "tagalog",
    "mg": "malagasy",
    "as": "assamese",
    "tt": "tatar",
    "haw": "hawaiian",
    "ln": "lingala",
    "ha": "hausa",
    "ba": "bashkir",
    "jw": "javanese",
    "su": "sundanese",
    "yue": "cantonese",
}
"""English names of Whisper's languages by their codes, as OpenAI's API writes them."""
_CODES: Final = {name: code for code, name in LANGUAGES.items()} | {
    "mandarin": "zh",
    "castilian": "es",
    "flemish": "nl",
}
_CODE: Final = re.compile("[a-z]{2,3}")


def language_code(language: str) -> str | None:
    """Returns the ISO 639 code of a language that is given by its name, or by its code with or without a region.

    None if it is given as `auto`. What is neither a name nor a code is returned in lower case.
    """
    name = language.strip().lower()
    if name in ("", "auto"):
        return None
    code = re.split("[-_]", name)[0]
    return _CODES.get(name) or (code if _CODE.fullmatch(code) else name)


def _spoken(language: object) -> object:
    if not isinstance(language, str):
        return language
    code = language_code(language) or "auto"
    if not _CODE.fullmatch(code) and code != "auto":
        raise PydanticCustomError("language", "Give a code such as en or en-US, or a name such as English")
    return code


def _heard(language: object) -> object:
    # Whisper refuses languages that it does not know, and lists those that it does.
    return language_code(language) if isinstance(language, str) else language


SpokenLanguage = Annotated[str, BeforeValidator(_spoken, json_schema_input_type=str)]
"""Language of a text, as its code; `auto`: that of its script."""
HeardLanguage = Annotated[
    str | None,
    BeforeValidator(_heard, json_schema_input_type=str | None),
    Field(
        description="An ISO 639-1 code, with or without a region, or an English name. If empty, missing or `auto`, "
        "Whisper detects the language.",
        examples=["en"],
    ),
]
"""Language of a recording, as its code; None: Whisper detects it."""
