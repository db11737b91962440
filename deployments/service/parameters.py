"""The parameters of a speech, described once: every interface of the service is made from them."""

import inspect
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Annotated, Any, Final, Self, get_type_hints

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StringConstraints

from deployments.audio.encoder import Format
from deployments.llasa.protocol import INSTRUCTION, Sampling
from deployments.profiles import Defaults, Profile
from deployments.service.bodies import parse
from deployments.service.languages import SpokenLanguage
from deployments.settings import Rate, Seed, Settings
from deployments.text.markdown import CodeBlocks
from deployments.text.markup import InputFormat
from deployments.text.options import DEFAULT_OPTIONS, NormalizationOptions
from deployments.text.pronunciation import Pronunciation
from deployments.voices.names import LONGEST_CONSENT
from deployments.voices.preparation import ReferenceCheck

RATE = 24_000
"""Default sample rate in Hz: OpenAI's. Clients that play `pcm` expect it."""
NOT_OF_JOBS: Final = ("response_format", "max_new_tokens", "details", "keep")
"""Parameters without a meaning for a job, or with one of its own."""

RefText = Annotated[
    str | None,
    Field(
        description="Transcript of the clip. If empty or missing, Whisper transcribes it.", examples=["Good morning."]
    ),
]
RefCheck = Annotated[
    ReferenceCheck | None,
    Field(
        description="If Whisper hears something other than `ref_text`: `refuse` the request, `repair` the text, or "
        "`off` (do not check). Default: `REFERENCE_CHECK`."
    ),
]
Consent = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_CONSENT),
    Field(
        description="Whose voice it is and how they agreed. Stored with the voice.",
        examples=["my own voice"],
    ),
]


def _parsed(value: object) -> object:
    if isinstance(value, list) and len(value) == 1:  # the fields of a form of that name
        return _parsed(value[0]) if isinstance(value[0], str) else value
    return json.loads(value) if isinstance(value, str) else value


_OR_JSON = BeforeValidator(_parsed)
"""Forms and command lines send objects as JSON."""


class SpeechParams(BaseModel):
    """What to say and how. Where the default is None, the profile and the service's settings decide.

    A field that is added here reaches every interface. One that `Sampling` also has reaches the model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Annotated[str, Field(description="What to say.", examples=["Hello, this is my voice."])]
    voice: Annotated[
        str | None,
        Field(description="Name or id of a voice from GET /v1/audio/voices. A clip takes precedence."),
    ] = None
    ref_text: RefText = None
    ref_check: RefCheck = None
    system_prompt: Annotated[
        str,
        Field(max_length=200, description="Start of the model's prompt. The model was trained with the default only."),
    ] = INSTRUCTION
    instructions: Annotated[
        str | None,
        Field(
            max_length=4096,
            description="How to speak, for profiles with captions; others ignore it. Lines such as `emotion: sad` set "
            "one of emotion, profile, mood, speed, prosody, pitch_timbre, style and notes; all other text is the "
            "caption.",
        ),
    ] = None
    language: Annotated[
        SpokenLanguage | None,
        Field(
            description="Language of the text, in which numbers are written: an ISO 639-1 code with or without a "
            "region, or an English name. `auto`: by its script. Default: the first language of the profile, "
            "mostly `en`."
        ),
    ] = None
    input_format: Annotated[
        InputFormat,
        Field(
            description="Markup of `input`. `auto` recognises SSML, Markdown and HTML. `[pause:1.5s]` and "
            "`[voice:name]` work in every format."
        ),
    ] = "auto"
    code_blocks: Annotated[CodeBlocks, Field(description="Whether code blocks of Markdown are spoken.")] = "skip"
    normalise: Annotated[
        bool, Field(description="Write numbers and symbols as words, and replace unusual characters.")
    ] = True
    normalization_options: Annotated[
        NormalizationOptions,
        Field(description="Switches of what is written as words, as an object; in forms as JSON."),
        _OR_JSON,
    ] = DEFAULT_OPTIONS
    pronunciations: Annotated[
        tuple[Pronunciation, ...],
        Field(
            description="Replacements of words before normalisation, besides those of /v1/pronunciations: a list of "
            "objects with `term` and `replacement`; in forms as JSON.",
            max_length=1000,
        ),
        _OR_JSON,
    ] = ()
    response_format: Annotated[
        Format, Field(description="`pcm` is 16-bit little-endian mono, `opus` is in Ogg, `aac` in ADTS.")
    ] = "wav"
    sample_rate: Annotated[
        Rate | None,
        Field(
            description="Sample rate in Hz. Default: `DEFAULT_SAMPLE_RATE`. MP3 and AAC support some rates, Opus only "
            "48000.",
            examples=[24_000],
        ),
    ] = None
    speed: Annotated[FiniteFloat, Field(ge=0.25, le=4, description="Speed of the speech, at the same pitch.")] = 1.0
    temperature: Annotated[
        FiniteFloat | None,
        Field(
            ge=0,
            le=2,
            description="Sampling temperature. 0 always takes the most likely code. Default: the profile's, mostly "
            f"{Defaults().temperature}.",
        ),
    ] = None
    top_k: Annotated[
        int | None,
        Field(
            ge=0,
            le=65_536,
            description="Sample from this many most likely codes. 0: all. Default: the profile's, mostly "
            f"{Defaults().top_k}.",
        ),
    ] = None
    top_p: Annotated[
        FiniteFloat | None,
        Field(
            gt=0,
            le=1,
            description="Sample from the most likely codes whose probabilities add up to this. Default: the profile's, "
            f"mostly {Defaults().top_p}.",
        ),
    ] = None
    repetition_penalty: Annotated[
        FiniteFloat | None,
        Field(
            gt=0,
            le=2,
            description="Values above 1 make recent codes less likely. Default: the profile's, mostly "
            f"{Defaults().repetition_penalty}.",
        ),
    ] = None
    seed: Annotated[
        Seed | None,
        Field(
            description="The same request with the same seed returns the same speech. Default: `DEFAULT_RANDOM_SEED`.",
            examples=[49],
        ),
    ] = None
    verify: Annotated[
        bool | None,
        Field(
            description="Check every take with Whisper, and generate it again if words are wrong. Default: `VERIFY`."
        ),
    ] = None
    best_of: Annotated[
        int | None,
        Field(
            ge=1,
            le=8,
            description="Generate this many takes of each part and keep the best one by Whisper. Default: `BEST_OF`.",
        ),
    ] = None
    strict: Annotated[
        bool, Field(description="Fail if the speech has a flaw, instead of returning it with a warning.")
    ] = False
    max_new_tokens: Annotated[
        int | None, Field(ge=1, description="Cut the speech after this many codes (50 per second).")
    ] = None
    details: Annotated[
        bool,
        Field(
            description="Also return `captions`, and `parts` with their seeds, scores, transcripts and word times. "
            "Words need `verify`. If `max_new_tokens` cuts the speech, there are no parts."
        ),
    ] = False
    keep: Annotated[
        bool,
        Field(description="Return the name of a stored copy. An error if the service stores none (`OUTPUTS_DIR`)."),
    ] = False

    @classmethod
    def schemas(cls) -> dict[str, dict[str, Any]]:
        """Returns the JSON schema of each field, without its null."""
        properties: dict[str, dict[str, Any]] = cls.model_json_schema()["properties"]
        for schema in properties.values():
            schema.update(next((kind for kind in schema.pop("anyOf", []) if kind["type"] != "null"), {}))
            schema.setdefault("type", "object")  # a reference to another model
        return properties

    @classmethod
    def arguments(cls) -> list[inspect.Parameter]:
        """Returns the fields as keyword parameters, for the signature of a function that takes them one by one."""
        hints = get_type_hints(cls, include_extras=True)
        return [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.is_required() else field.default,
                annotation=hints[name],
            )
            for name, field in cls.model_fields.items()
        ]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Returns the parameters with the given values.

        Raises:
            InvalidInput: a value has the wrong type, or is out of its range.
        """
        return parse(cls, values)

    def with_defaults(self, settings: Settings, profile: Profile, rate: int = RATE) -> Self:
        """Returns the parameters with the defaults of the service where the request has none.

        Args:
            settings: Hold the defaults.
            profile: Holds those that depend on the checkpoint. Instructions that it cannot use are removed.
            rate: Default sample rate in Hz if neither the settings nor the profile have one.
        """
        defaults = {
            **asdict(profile.defaults),
            "language": profile.languages[0],
            "sample_rate": settings.default_sample_rate or profile.sample_rate or rate,
            "seed": settings.default_random_seed,
            "verify": settings.verify,
            "best_of": settings.best_of,
            "ref_check": settings.reference_check,
        }
        missing = {name: value for name, value in defaults.items() if getattr(self, name) is None}
        return self.model_copy(update=missing | dict.fromkeys(self.unused(profile)))

    def unused(self, profile: Profile) -> list[str]:
        """Returns the names of the given parameters that have no effect with a profile."""
        return ["instructions"] if self.instructions and not profile.system else []

    @property
    def sampling(self) -> Sampling:
        """The parameters that the model samples with."""
        names = [field.name for field in fields(Sampling) if field.name in type(self).model_fields]
        given = {name: getattr(self, name) for name in names}
        return Sampling(**{name: value for name, value in given.items() if value is not None})
