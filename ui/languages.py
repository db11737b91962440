"""The languages of the page."""

from typing import Final

from ui.chinese import CHINESE
from ui.english import ENGLISH

LANGUAGES: Final = (ENGLISH, CHINESE)
