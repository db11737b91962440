"""Request fields that several routes share."""

from typing import Annotated

from pydantic import Field, FiniteFloat, StringConstraints

from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import LONGEST_CONSENT

Temperature = Annotated[FiniteFloat, Field(ge=0, le=2, description="Randomness; 0 always picks the likeliest code.")]
TopK = Annotated[int, Field(ge=0, le=65_536, description="Number of codes considered; 0: all.")]
TopP = Annotated[FiniteFloat, Field(gt=0, le=1, description="Total probability of the codes considered.")]
Normalise = Annotated[bool, Field(description="Write out numbers and symbols, replace unusual characters.")]
Language = Annotated[
    str, Field(pattern="^[a-z]{2}$", description="Language of the text (ISO 639-1), in which numbers are written out.")
]
Consent = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CONSENT),
    Field(
        description="Whose voice it is, and how they agreed; stored with the voice.",
        examples=["my own voice"],
    ),
]
RefCheck = Annotated[
    ReferenceCheck | None,
    Field(
        description="If ref_text differs from what Whisper hears: `refuse` the request, `repair` the text, or `off`: "
        "do not check. Default: the service's setting."
    ),
]
Strict = Annotated[bool, Field(description="Refuse a flawed speech instead of returning it with a warning.")]
Verify = Annotated[bool | None, Field(description="Check every take with Whisper, and retry misread ones.")]
BestOf = Annotated[
    int | None,
    Field(ge=1, le=8, description="Parallel takes of each part; Whisper selects the best."),
]
Penalty = Annotated[FiniteFloat, Field(gt=0, le=2, description="Above 1, recent codes become less likely.")]
SystemPrompt = Annotated[
    str, Field(max_length=200, description="Begins the model's prompt. It was trained on the default only.")
]
