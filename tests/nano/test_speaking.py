"""What ships speaks, and is understood: bounds are loose, `scripts/eval_nano` has the figures."""

import asyncio

import numpy as np
import pytest

from deployments.llasa.protocol import Sampling
from deployments.nano.voices import shipped_voices
from deployments.nano.weights import FOLDER
from scripts.eval_nano import Nano, errors, plain

SENTENCES = (
    "the old man walked to the river.",
    "she likes the small red house.",
    "my friend has seven good books.",
    "we found the key in the garden.",
)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_sentences_in_a_built_in_voice_are_understood() -> None:
    voice = shipped_voices()["alloy"]
    nano = Nano(FOLDER, Sampling(), threads=1)

    async def hear(text: str, seed: int) -> tuple[bool, list[str]]:
        take = await nano.speak(text, voice.text, voice.codes, seed)
        audio = nano.decode(np.concatenate([voice.codes, take.codes]), start=len(voice.codes))
        return take.ended, await nano.transcribe(audio)

    async def all_of_them() -> list[tuple[bool, list[str]]]:
        return [await hear(text, seed) for seed, text in enumerate(SENTENCES)]

    try:
        heard = asyncio.run(all_of_them())
    finally:
        nano.close()
    wrong = sum(errors(words, plain(text)) for (_, words), text in zip(heard, SENTENCES, strict=True))
    assert sum(ended for ended, _ in heard) >= len(SENTENCES) - 1
    assert wrong <= sum(len(plain(text)) for text in SENTENCES) / 2, heard
