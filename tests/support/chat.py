"""A language model with OpenAI's API that says what a test wants, word by word."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from tests.support.served import served


@contextmanager
def chat_model(answer: str) -> Iterator[str]:
    """Serves the model; gives its base URL."""
    application = FastAPI()

    def events() -> Iterator[str]:
        for word in answer.split(" "):
            delta = {"choices": [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}]}
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "scripted", **delta}
            yield f"data: {json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"

    @application.post("/v1/chat/completions")
    async def completions() -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    with served(application) as url:
        yield f"{url}/v1"
