"""The voices that exist from the start."""

import asyncio
import logging
from collections import defaultdict
from dataclasses import replace
from typing import Final

import numpy as np

from deployments.checkpoints import identity
from deployments.errors import InvalidInput
from deployments.llasa.protocol import Codes, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.profiles import Profile
from deployments.residency.protocol import Residency
from deployments.synthesis.pace import Pace, seconds
from deployments.voices.names import BUILT_IN_PREFIX, normal_name
from deployments.voices.reference import Reference
from deployments.voices.shipped import shipped_voices
from deployments.voices.store import StoredVoice, Voice, VoiceStore

logger = logging.getLogger(__name__)

BUILT_IN: Final = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip
"""OpenAI's names. Their voices do not sound like OpenAI's."""
_PHRASE: Final = "The sun is up, and a new day can begin."
_TRIES: Final = 3
"""Attempts at a voice, with seeds `len(BUILT_IN)` apart, until one ends by itself."""


class BuiltInVoices:
    """The voices of the names in `BUILT_IN`.

    They ship with the embedded checkpoints. With others, each is the voice that Llasa chooses without a reference for a
    phrase, with its index (from 1) as the seed: generated at first use, then stored.

    Args:
        store: Stores the generated voices.
        lm: Generates them.
        residency: Keeps it loaded meanwhile.
        profile: Names the checkpoints. A voice of other checkpoints is generated again.
    """

    def __init__(self, store: VoiceStore, lm: SpeechLM, residency: Residency, profile: Profile) -> None:
        self._store = store
        self._lm = lm
        self._residency = residency
        self._checkpoints = f"{identity(profile.llasa)} {identity(profile.xcodec2)}"
        self._ship = (profile.llasa, profile.xcodec2) == ("nano:llasa", "nano:xcodec2")
        self._locks = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._unstored: dict[str, StoredVoice] = {}  # if the folder is not writable

    async def list(self) -> list[Voice]:
        """Returns all of them."""
        return [await self.get(name) for name in BUILT_IN]

    async def get(self, name: str) -> Voice:
        """Returns a voice by its name."""
        if not self._ship:
            return _not_generated(name)
        reference = (await asyncio.to_thread(shipped_voices))[name]
        return replace(_not_generated(name), ref_text=reference.text, duration=seconds(reference.codes))

    async def reference(self, name: str) -> Reference:
        """Returns the reference of a voice by its name.

        Raises:
            Unavailable: the voice must be generated, and Llasa cannot serve.
        """
        if self._ship:
            return (await asyncio.to_thread(shipped_voices))[name]
        async with self._locks[name]:
            stored = self._unstored.get(name) or await self._stored(name)
            if not stored or stored.voice.checkpoint != self._checkpoints:
                stored = await self._generated(name)
            return stored.reference

    async def _generated(self, name: str) -> StoredVoice:
        codes = await self._codes(name)
        voice = replace(_not_generated(name), duration=seconds(codes), checkpoint=self._checkpoints)
        stored = StoredVoice(voice, Reference(codes, _PHRASE))
        try:
            await asyncio.to_thread(self._store.replace, stored)
        except OSError as error:
            logger.warning("The built-in voice %s cannot be stored in VOICES_DIR: %s", name, error)
            self._unstored[name] = stored
        return stored

    async def _codes(self, name: str) -> Codes:
        fewest, most = Pace().bounds(_PHRASE)
        codes: Codes = np.zeros(0, np.int32)
        async with self._residency.held(["Llasa"]):
            for attempt in range(_TRIES):
                sampling = Sampling(seed=BUILT_IN.index(name) + 1 + attempt * len(BUILT_IN))
                take = TakeRequest(_PHRASE, sampling=sampling, min_codes=fewest, max_codes=most)
                codes, finish = await _take(self._lm, take)
                if finish == "stop":
                    break
        return codes

    async def _stored(self, name: str) -> StoredVoice | None:
        try:
            return await asyncio.to_thread(self._store.read, BUILT_IN_PREFIX + name)
        except InvalidInput as error:
            logger.warning("%s", error)
            return None


def built_in_name(key: str) -> str | None:
    """Returns the name of a built-in voice by its name or id; None if there is none."""
    name = normal_name(key).lower().removeprefix(BUILT_IN_PREFIX)
    return name if name in BUILT_IN else None


def _not_generated(name: str) -> Voice:
    return Voice(BUILT_IN_PREFIX + name, name, created_at=0, ref_text=_PHRASE, duration=0.0)


async def _take(lm: SpeechLM, take: TakeRequest) -> tuple[Codes, FinishReason | None]:
    chunks = [chunk async for chunk in lm.generate(take)]
    return np.concatenate([chunk.codes for chunk in chunks]), chunks[-1].finish
