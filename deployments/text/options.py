"""Chooses what normalisation writes in words."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class NormalizationOptions:
    """Switches of normalisation, with the names of Kokoro-FastAPI's `normalization_options`.

    What is switched off stays as it was written, except that unusual characters are replaced all the same.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    normalize: bool = True
    """Whether to normalise at all."""
    unit_normalization: bool = True
    """Whether 10 km becomes ten kilometers. Off, the number is read and the unit stays; glued to it, both stay."""
    url_normalization: bool = True
    """Whether web addresses are read out: example dot com."""
    email_normalization: bool = True
    """Whether e-mail addresses are read out."""
    phone_normalization: bool = True
    """Whether telephone numbers are read digit by digit."""
    optional_pluralization_normalization: bool = True
    """Whether file(s) becomes files."""
    replace_remaining_symbols: bool = True
    """Whether symbols outside numbers get words, as in & and @, or are dropped if they are silent."""


DEFAULT_OPTIONS = NormalizationOptions()
