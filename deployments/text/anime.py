"""Rewrites Japanese as in the training texts of the Anime-Llasa checkpoints.

The rules are those of the preprocessing in the demo of Anime-Llasa-3B-Captions.
"""

import re
import unicodedata
from typing import Final

_DROPPED: Final = re.compile(
    "\\[n\\]|[\t \u3000;▼♀♂《》≪≫①-⑥\u02d7\u2010-\u2015\u2043\u2212\u23af\u23e4\u2500\u2501\u2e3a\u2e3b]"
)
"""Markers of new lines, spaces, ornaments and dashes."""
_FULL_WIDTH: Final = [
    chr(code) for first, last in ("０９", "ＡＺ", "ａｚ") for code in range(ord(first), ord(last) + 1)
]
_REPLACED: Final = str.maketrans(
    {"～": "ー", "〜": "ー", "？": "?", "！": "!", "●": "○", "◯": "○", "〇": "○", "♥": "♡"}
    | {letter: unicodedata.normalize("NFKC", letter) for letter in _FULL_WIDTH}
)
_HALF_WIDTH: Final = re.compile("[\uff66-\uff9f]+")
_DOTS: Final = re.compile("…{3,}")


def rewrite_anime(text: str) -> str:
    """Returns the text without spaces and ornaments, with half-width letters and full-width kana.

    A text of nothing else stays as it is.
    """
    kept = _DROPPED.sub("", text).translate(_REPLACED)
    kept = _HALF_WIDTH.sub(lambda kana: unicodedata.normalize("NFKC", kana[0]), kept)
    return _DOTS.sub("……", kept) or text
