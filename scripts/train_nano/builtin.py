"""Step: the voices that the service has from the start, in codes that err nowhere."""

import json
from typing import Final

from deployments.voices.shipped import SHIPPED

from .cells import CELLS
from .lm_data import Speaker
from .workplace import Workplace

VOICES: Final = {
    "alloy": (5, "Good morning, the train leaves in twenty minutes."),
    "ash": (1, "The old captain told us a story about the sea."),
    "ballad": (2, "My brother wrote a letter to his good friend."),
    "coral": (6, "Please bring me a cup of tea and some bread."),
    "echo": (1, "Good morning, the train leaves in twenty minutes."),
    "fable": (9, "Look, the little bird is singing in the tree."),
    "onyx": (0, "The old captain told us a story about the sea."),
    "nova": (7, "We walked through the garden after the rain."),
    "sage": (4, "My brother wrote a letter to his good friend."),
    "shimmer": (10, "Please bring me a cup of tea and some bread."),
    "verse": (3, "Good morning, the train leaves in twenty minutes."),
    "marin": (11, "Look, the little bird is singing in the tree."),
    "cedar": (8, "We walked through the garden after the rain."),
}
"""OpenAI's names: which of `voices.CODE_VOICES`, and what it says."""


def build(at: Workplace) -> None:
    speaker = Speaker(at.root, seed=0)
    rows = {
        name: {"text": text, "codes": [c + CELLS * voice for c in speaker.units.cells(speaker.sounds(text.lower()))]}
        for name, (voice, text) in VOICES.items()
    }
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    (at.weights / SHIPPED).write_text(f"{{\n{lines}\n}}\n")
