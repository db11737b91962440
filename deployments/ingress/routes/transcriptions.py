"""POST /v1/audio/transcriptions and /translations: OpenAI's routes."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Response, UploadFile
from pydantic import Field, FiniteFloat

from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.transcript import TRANSCRIPTS, StreamedTranscript, transcript_response
from deployments.ingress.routes.models import check_model, transcription_models
from deployments.ingress.uploads import UploadRoute
from deployments.service.backend import Clip
from deployments.service.bodies import IGNORED, FormBody
from deployments.service.languages import HeardLanguage
from deployments.service.retry import await_first_item
from deployments.service.service import SpeechService
from deployments.whisper.protocol import Listening, TranscriptFormat

_Unused = Annotated[
    list[str], Field(default_factory=list, description="Of OpenAI's API; accepted and ignored."), IGNORED
]


class TranslationForm(FormBody):
    """The fields of a request."""

    file: Annotated[UploadFile, File(description="Any audio that FFmpeg reads.")]
    model: Annotated[str, Field(description="One of GET /v1/models.", examples=["whisper-1"])]
    prompt: Annotated[
        str | None, Field(max_length=4096, description="Text before the recording: names and spellings to expect.")
    ] = None
    response_format: TranscriptFormat = "json"
    temperature: Annotated[FiniteFloat, Field(ge=0, le=1, description="Sampling temperature of the words.")] = 0.0


class TranscriptionsForm(TranslationForm):
    """The fields of a request."""

    language: HeardLanguage = None
    timestamp_granularities: Annotated[
        list[Literal["word", "segment"]],
        Field(
            default_factory=list,
            alias="timestamp_granularities[]",
            description="Timestamps in `verbose_json`; default `segment`.",
        ),
    ]
    stream: Annotated[bool, Field(description="Send events while the recording is transcribed.")] = False
    chunking_strategy: Annotated[
        str | dict[str, str] | None,
        Field(description="Accepted and ignored. Whisper always splits at pauses."),
        IGNORED,
    ] = None
    include: Annotated[_Unused, Field(alias="include[]")]
    keywords: Annotated[_Unused, Field(alias="keywords[]")]
    known_speaker_names: Annotated[_Unused, Field(alias="known_speaker_names[]")]
    known_speaker_references: Annotated[_Unused, Field(alias="known_speaker_references[]")]
    languages: Annotated[_Unused, Field(alias="languages[]")]


def transcriptions_routes(service: SpeechService) -> APIRouter:
    """Returns the routes of a service."""
    known = transcription_models(service.profile)
    router = APIRouter(prefix="/v1/audio", tags=["openai"], route_class=UploadRoute)

    @router.post("/transcriptions", summary="Transcribe a recording", responses=TRANSCRIPTS)
    async def transcriptions(
        form: Annotated[TranscriptionsForm, Form(media_type="multipart/form-data")], turn: HeldTurn
    ) -> Response:
        check_model(form.model, known)
        subtitles = form.response_format in ("srt", "vtt")  # subtitles are split between words
        words = subtitles or (form.response_format == "verbose_json" and "word" in form.timestamp_granularities)
        listening = Listening(
            language=form.language or None, prompt=form.prompt, word_timestamps=words, temperature=form.temperature
        )
        clip = Clip(form.file.file, param="file")
        if form.stream:
            return StreamedTranscript(
                *await await_first_item(service.listen(clip, caller=turn, **listening)), ignored=form.ignored
            )
        transcript = await service.transcript(clip, caller=turn, **listening)
        return transcript_response(
            transcript, form.response_format, "transcribe", form.timestamp_granularities, form.ignored
        )

    @router.post("/translations", summary="Translate a recording into English text", responses=TRANSCRIPTS)
    async def translations(
        form: Annotated[TranslationForm, Form(media_type="multipart/form-data")], turn: HeldTurn
    ) -> Response:
        check_model(form.model, known)
        listening = Listening(prompt=form.prompt, temperature=form.temperature, task="translate")
        transcript = await service.transcript(Clip(form.file.file, param="file"), caller=turn, **listening)
        return transcript_response(transcript, form.response_format, "translate", [], form.ignored)

    return router
