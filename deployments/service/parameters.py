"""Request fields that several routes have."""

from typing import Annotated

from pydantic import Field, FiniteFloat, StringConstraints

from deployments.voices.preparation import ReferenceCheck
from deployments.voices.store import LONGEST_CONSENT

Temperature = Annotated[FiniteFloat, Field(ge=0, le=2, description="Liveliness; 0 always takes the likeliest.")]
TopK = Annotated[int, Field(ge=0, le=65_536, description="How many codes are considered; 0: all.")]
TopP = Annotated[FiniteFloat, Field(gt=0, le=1, description="Probability that the codes considered reach.")]
Normalise = Annotated[bool, Field(description="Write out numbers and symbols, replace odd characters.")]
Language = Annotated[
    str, Field(pattern="^[a-z]{2}$", description="ISO 639-1, of the text: what its numbers are written out in.")
]
Consent = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CONSENT),
    Field(
        description="Whose voice it is, and how they agreed; kept with the voice.",
        examples=["my own voice"],
    ),
]
RefCheck = Annotated[
    ReferenceCheck | None,
    Field(
        description="Where ref_text is not what Whisper hears: `refuse` the request, `repair` the text, or `off`: "
        "do not listen. Missing: as the service is set."
    ),
]
Strict = Annotated[bool, Field(description="Refuse a speech with a flaw, instead of giving it with a warning.")]
Verify = Annotated[
    bool | None, Field(description="Have Whisper listen to every take, and make again what it hears wrong.")
]
BestOf = Annotated[
    int | None,
    Field(ge=1, le=8, description="Takes made of each part at once; the best one, by Whisper's ear, is kept."),
]
Penalty = Annotated[FiniteFloat, Field(gt=0, le=2, description="Above 1, codes said lately become less likely.")]
SystemPrompt = Annotated[
    str, Field(max_length=200, description="Begins the model's prompt. It was trained on the default only.")
]
