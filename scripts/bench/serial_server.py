"""A simple serial server: one process, one model, one request at a time, plain transformers.

It has the same /api/tts with the same fields, prompts, lengths and WAV. It lacks what the benchmark measures: batches,
and caching a reference's codes.

    LLASA_MODEL_PATH=… XCODEC_MODEL_PATH=… API_PORT=8000 python -m scripts.bench.serial_server --threads 1
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deployments.audio.encoder import encoded
from deployments.audio.reading import decoded
from deployments.llasa.prompt import PromptBuilder
from deployments.llasa.protocol import INSTRUCTION, Sampling, TakeRequest
from deployments.llasa.tokenizer import LlasaTokenizer
from deployments.llasa.vocabulary import Vocabulary
from deployments.synthesis.pace import Pace
from deployments.xcodec2.codec import Xcodec2Codec
from deployments.xcodec2.protocol import HOP, SAMPLE_RATE
from scripts.bench.serial import SerialSpeaker, SerialTake


class SerialSpeech:
    """Both models, and the steps between them."""

    def __init__(self, llasa: Path, xcodec2: str) -> None:
        import torch
        from transformers import LlamaForCausalLM

        tokenizer = LlasaTokenizer.read(llasa)
        model = LlamaForCausalLM.from_pretrained(llasa, dtype=torch.float32, local_files_only=True).eval()
        vocabulary = Vocabulary.of(tokenizer.tokens, model.get_input_embeddings().num_embeddings)
        self._prompts = PromptBuilder(tokenizer, vocabulary)
        self._speaker = SerialSpeaker(model, vocabulary)
        self._codec = Xcodec2Codec.load(xcodec2)

    def speak(self, audio: bytes, text: str, ref_text: str, instruction: str, sampling: Sampling) -> bytes:
        """Speaks a text in the voice of a clip; returns a WAV file."""
        reference = self._codec.encode(decoded(audio))
        prompt = self._prompts.build(TakeRequest(text, ref_text, reference, instruction))
        fewest, most = Pace.of(ref_text, len(reference)).bounds(text)
        codes = self._speaker.speak(SerialTake(prompt, fewest, most, sampling))
        (wav,) = self._codec.decode([np.concatenate([reference, codes])])
        return encoded(wav[len(reference) * HOP :], "wav", SAMPLE_RATE)


def tts(speech: SerialSpeech) -> Callable[[Request], Awaitable[Response]]:
    """The route."""
    turn = asyncio.Lock()

    async def speak(request: Request) -> Response:
        async with request.form() as form:
            audio = form["audio"]
            if isinstance(audio, str):
                return JSONResponse({"error": "audio must be a file"}, 400)
            clip = await audio.read()
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        sampling = Sampling(
            temperature=float(fields.get("temperature", 0.9)),
            top_k=int(fields.get("top_k", 50)),
            top_p=float(fields.get("top_p", 0.95)),
            repetition_penalty=float(fields.get("penalty", 1.1)),
            seed=int(fields.get("random_seed", 49)),
        )
        instruction = fields.get("system_prompt", INSTRUCTION)
        async with turn:
            wav = await asyncio.to_thread(
                speech.speak, clip, fields["target_text"], fields["ref_text"], instruction, sampling
            )
        return Response(wav, media_type="audio/wav")

    return speak


async def health(request: Request) -> Response:
    """Always healthy: the models are loaded before the port is opened."""
    return JSONResponse({"status": "healthy"})


def main() -> int:
    """Loads the models, then listens until SIGTERM."""
    import torch

    parser = argparse.ArgumentParser(prog="scripts.bench.serial_server", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="that torch computes with")
    torch.set_num_threads(parser.parse_args().threads)
    speech = SerialSpeech(Path(os.environ["LLASA_MODEL_PATH"]), os.environ["XCODEC_MODEL_PATH"])
    routes = [Route("/health", health), Route("/api/tts", tts(speech), methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(os.environ["API_PORT"]), log_level="warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
