"""Request fields that several routes share."""

from typing import Annotated

from pydantic import Field, FiniteFloat, StringConstraints

from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import LONGEST_CONSENT

Temperature = Annotated[
    FiniteFloat, Field(ge=0, le=2, description="Sampling temperature. 0 always takes the most likely code.")
]
TopK = Annotated[int, Field(ge=0, le=65_536, description="Sample from this many most likely codes. 0: all.")]
TopP = Annotated[
    FiniteFloat, Field(gt=0, le=1, description="Sample from the most likely codes whose probabilities add up to this.")
]
Normalise = Annotated[bool, Field(description="Write numbers and symbols as words, and replace unusual characters.")]
Language = Annotated[
    str, Field(pattern="^[a-z]{2}$", description="ISO 639-1 code of the text. Numbers are written in this language.")
]
Consent = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CONSENT),
    Field(
        description="Whose voice it is and how they agreed. Stored with the voice.",
        examples=["my own voice"],
    ),
]
RefCheck = Annotated[
    ReferenceCheck | None,
    Field(
        description="If Whisper hears something other than `ref_text`: `refuse` the request, `repair` the text, or "
        "`off` (do not check). Default: `REFERENCE_CHECK`."
    ),
]
Strict = Annotated[bool, Field(description="Fail if the speech has a flaw, instead of returning it with a warning.")]
Verify = Annotated[
    bool | None, Field(description="Check every take with Whisper, and generate it again if words are wrong.")
]
BestOf = Annotated[
    int | None,
    Field(ge=1, le=8, description="Generate this many takes of each part and keep the best one by Whisper."),
]
Penalty = Annotated[FiniteFloat, Field(gt=0, le=2, description="Values above 1 make recent codes less likely.")]
SystemPrompt = Annotated[
    str, Field(max_length=200, description="Start of the model's prompt. The model was trained with the default only.")
]
