"""Step: the voices that the service has from the start, in codes that err nowhere."""

import json
import random
from typing import Final

from deployments.voices.shipped import SHIPPED

from .lm_data import LEAD, Speaker
from .melody import Manner
from .workplace import Workplace

_TRAIN: Final = "Good morning, the train leaves in twenty minutes."
_CAPTAIN: Final = "The old captain told us a story about the sea."
_BROTHER: Final = "My brother wrote a letter to his good friend."
_TEA: Final = "Please bring me a cup of tea and some bread."
_BIRD: Final = "Look, the little bird is singing in the tree."
_GARDEN: Final = "We walked through the garden after the rain."
VOICES: Final = {
    "alloy": (1, 170, _TRAIN),
    "ash": (0, 117, _CAPTAIN),
    "ballad": (0, 150, _BROTHER),
    "coral": (1, 200, _TEA),
    "echo": (0, 133, _TRAIN),
    "fable": (2, 200, _BIRD),
    "onyx": (0, 90, _CAPTAIN),
    "nova": (1, 217, _GARDEN),
    "sage": (1, 150, _BROTHER),
    "shimmer": (2, 233, _TEA),
    "verse": (0, 105, _TRAIN),
    "marin": (2, 215, _BIRD),
    "cedar": (0, 125, _GARDEN),
}
"""OpenAI's names: the throat, the pitch in Hz, and what each says."""


def build(at: Workplace) -> None:
    speaker = Speaker(at.root, seed=0)
    rows = {}
    for name, (throat, pitch, text) in VOICES.items():
        manner = Manner.any(random.Random(name), throat, pitch)
        cells = speaker.units.cells(speaker.sounds(text.lower()))[:-LEAD]  # the next text begins within the pause
        rows[name] = {"text": text, "codes": speaker.spoken(cells, manner, 0)}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items())
    (at.weights / SHIPPED).write_text(f"{{\n{lines}\n}}\n")
