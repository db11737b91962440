"""The built-in voices of the embedded Llasa, generated in advance."""

import json
from functools import cache
from typing import Final

import numpy as np

from deployments.nano.weights import verified
from deployments.voices.reference import Reference

SHIPPED: Final = "voices.json"


@cache
def shipped_voices() -> dict[str, Reference]:
    """Returns a reference for each of OpenAI's names, in the codes of the embedded XCodec2. Blocks when first called.

    Raises:
        Unavailable: the file was changed after shipping.
    """
    rows = json.loads(verified(SHIPPED).read_text(encoding="utf-8"))
    return {name: Reference(np.array(row["codes"], np.int32), row["text"]) for name, row in rows.items()}
