"""POST /v1/text-to-dialogue: several voices in one speech, in the shape of ElevenLabs' API."""

from typing import Annotated, Final

from fastapi import APIRouter, Response
from pydantic import AliasChoices, Field

from deployments.ingress.middleware.admission import HeldTurn
from deployments.ingress.responses.exception_handlers import FAILURES
from deployments.ingress.responses.speech import FAILED, SPEECH, speech_response
from deployments.service.bodies import JsonBody, ignored_header
from deployments.service.parameters import SpeechParams
from deployments.service.service import SpeechService

_MOST: Final = 200
"""Maximum turns of a dialogue."""


class DialogueTurn(JsonBody):
    """What one voice says."""

    text: str = Field(min_length=1, examples=["Did you hear that?"])
    voice: str = Field(
        validation_alias=AliasChoices("voice", "voice_id"),
        min_length=1,
        max_length=100,
        description="Name or id of a voice; also as `voice_id`.",
        examples=["alloy"],
    )


class DialogueBody(SpeechParams, JsonBody):
    """The turns, and the parameters of speech."""

    input: str = Field("", max_length=0, description="Not used: `inputs` has the text.")
    inputs: Annotated[list[DialogueTurn], Field(min_length=1, max_length=_MOST, description="The turns, in order.")]


def dialogue_routes(service: SpeechService) -> APIRouter:
    """Returns the route of a service."""
    router = APIRouter(prefix="/v1", tags=["speech"])

    @router.post(
        "/text-to-dialogue",
        summary="Generate a dialogue of several voices",
        response_class=Response,
        responses=FAILED | {404: FAILURES[404], 200: SPEECH},
    )
    async def dialogue(body: DialogueBody, turn: HeldTurn) -> Response:
        params = body if body.voice else body.model_copy(update={"voice": body.inputs[0].voice})
        chunks = service.speak(params, caller=turn, dialogue=[(each.voice, each.text) for each in body.inputs])
        headers = ignored_header([*body.ignored, *body.unused(service.profile)])
        return await speech_response(chunks, params.with_defaults(service.settings, service.profile), "whole", headers)

    return router
