"""The voices that requests may name: those that were stored, and those that are there from the start."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np

from deployments.errors import Conflict, InvalidInput, NotFound, Unavailable
from deployments.gpu.protocol import Residency
from deployments.llasa.protocol import Codes, FinishReason, Sampling, SpeechLM, TakeRequest
from deployments.nano.voices import shipped_voices
from deployments.profiles import Profile
from deployments.speech.pace import CODES_A_SECOND, Pace
from deployments.speech.policy import ReferenceCheck
from deployments.speech.reference import Reference
from deployments.speech.synthesis import Synthesizer
from deployments.speech.voice_store import (
    StoredVoice,
    Voice,
    VoiceStore,
    check_consent,
    check_name,
    normal_name,
    voice_id,
)
from deployments.xcodec2.protocol import Waveform

logger = logging.getLogger("ray.serve")

BUILT_IN: Final = (
    "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse", "marin", "cedar",
)  # fmt: skip
"""OpenAI's names. With the embedded checkpoints they ship. With others each is the voice that Llasa itself chooses,
without a reference, for `_PHRASE` with the seed of its place here (from 1): made at first use, then kept. They do not
sound like OpenAI's."""
_PHRASE: Final = "The sun is up, and a new day can begin."
_TRIES: Final = 3
"""Takes at a built-in voice, with seeds that lie `len(BUILT_IN)` apart, until one ends by itself."""


class Voices:
    """Gives references to names. A voice is prepared once; using it asks neither the codec nor Whisper.

    Args:
        store: Where they are kept.
        synthesizer: Prepares clips.
        lm: Makes the built-in voices.
        residency: Has the models up for it.
        profile: Names the checkpoints. A voice whose codes were made with others is prepared anew.
    """

    def __init__(
        self, store: VoiceStore, synthesizer: Synthesizer, lm: SpeechLM, residency: Residency, profile: Profile
    ) -> None:
        self._store = store
        self._synthesizer = synthesizer
        self._lm = lm
        self._residency = residency
        self._codec = profile.xcodec2
        self._checkpoints = f"{profile.llasa} {profile.xcodec2}"
        self._ship = (profile.llasa, profile.xcodec2) == ("nano:llasa", "nano:xcodec2")
        self._locks = defaultdict[str, asyncio.Lock](asyncio.Lock)
        self._made: dict[str, StoredVoice] = {}  # built-in ones, where the folder cannot be written

    async def list(self) -> list[Voice]:
        """The built-in ones, then the stored ones, the newest last."""
        return [await self._listed(name) for name in BUILT_IN] + await asyncio.to_thread(self._store.list)

    async def get(self, key: str) -> Voice:
        """A voice by its name or id.

        Raises:
            NotFound: there is none.
        """
        if name := _built_in_name(key):
            return await self._listed(name)
        return (await self._stored(key)).voice

    async def reference(self, key: str) -> Reference:
        """What a voice of that name or id is continued from.

        Raises:
            NotFound: there is no such voice.
            Unavailable: it has to be prepared, and a model cannot serve.
        """
        if name := _built_in_name(key):
            if self._ship:
                return (await asyncio.to_thread(shipped_voices))[name]
            return (await self._built_in(name)).reference
        stored = await self._stored(key)
        if stored.voice.checkpoint != self._codec:
            async with self._locks[stored.voice.id]:
                stored = await self._prepared_anew(await self._stored(key))
            self._locks.pop(stored.voice.id, None)
        return stored.reference

    async def create(
        self,
        name: str,
        clip: Waveform,
        ref_text: str | None,
        consent: str,
        check: ReferenceCheck | None = None,
        warnings: tuple[str, ...] = (),
    ) -> Voice:
        """Prepares a clip and stores it.

        Args:
            name: Of the voice.
            clip: [samples] mono at 16 kHz.
            ref_text: What it says; None: Whisper listens.
            consent: Whose, and how it was given.
            check: What is done about a text that is not what the clip says; None: as the service does.
            warnings: What is wrong with the clip's file.

        Raises:
            InvalidInput: the name or the consent cannot be taken.
            InvalidAudio: no text came with the clip, and Whisper hears none in it.
            InvalidText: the text is not what the clip says.
            Conflict: there is a voice of that name.
            Unavailable: a model cannot serve.
        """
        name = check_name(name)
        consent = check_consent(consent)
        if _built_in_name(name) or await asyncio.to_thread(self._store.read, name) is not None:
            raise Conflict(f"There is a voice {name!r} already.", "name")
        reference = await self._synthesizer.prepare(clip, ref_text, check)
        reference = replace(reference, warnings=warnings + reference.warnings)
        voice = Voice(
            id=voice_id(name),
            name=name,
            created_at=int(time.time()),
            ref_text=reference.text,
            duration=_duration(reference.codes),
            consent=consent,
            checkpoint=self._codec,
            warnings=reference.warnings,
        )
        with _on_disk(name):
            await asyncio.to_thread(self._store.add, StoredVoice(voice, reference), clip)
        return voice

    async def rename(self, key: str, name: str) -> Voice:
        """Gives a stored voice another name, and with it another id.

        Raises:
            InvalidInput: the name cannot be one, or the voice is a built-in one.
            NotFound: there is no such voice.
            Conflict: there is a voice of the new name.
        """
        name = check_name(name)
        if _built_in_name(key):
            raise InvalidInput("A built-in voice cannot be renamed.", "voice")
        stored = await self._stored(key)
        if _built_in_name(name):
            raise Conflict(f"There is a voice {name!r} already.", "name")
        with _on_disk(key):
            return await asyncio.to_thread(self._store.rename, stored, name)

    async def sample(self, key: str) -> Waveform:
        """[samples] mono at 16 kHz: how a voice sounds.

        Raises:
            NotFound: there is no such voice.
            Unavailable: it has to be made or decoded, and a model cannot serve.
        """
        if not _built_in_name(key):
            with _on_disk(key):
                clip = await asyncio.to_thread(self._store.clip, await self._stored(key))
            if len(clip):
                return clip
        return await self._synthesizer.sound(await self.reference(key))

    async def remove(self, key: str) -> Voice:
        """Deletes a voice by its name or id.

        Raises:
            InvalidInput: it is a built-in one.
            NotFound: there is none.
        """
        if _built_in_name(key):
            raise InvalidInput("A built-in voice cannot be deleted.", "voice")
        voice = (await self._stored(key)).voice
        if not await asyncio.to_thread(self._store.remove, voice.id):
            raise _no_voice(key)
        return voice

    async def _listed(self, name: str) -> Voice:
        if not self._ship:
            return _built_in(name)
        reference = (await asyncio.to_thread(shipped_voices))[name]
        return replace(_built_in(name), ref_text=reference.text, duration=_duration(reference.codes))

    async def _stored(self, key: str) -> StoredVoice:
        stored = await asyncio.to_thread(self._store.read, key)
        if stored is None:
            raise _no_voice(key)
        return stored

    async def _prepared_anew(self, stored: StoredVoice) -> StoredVoice:
        if stored.voice.checkpoint == self._codec:
            return stored
        with _on_disk(stored.voice.name):
            clip = await asyncio.to_thread(self._store.clip, stored)
        # Not checked again: of a clip that had to be cut the text is a part.
        reference = await self._synthesizer.prepare(clip, stored.reference.text, "off")
        await self._stored(stored.voice.id)  # one that was deleted meanwhile must not come back
        # What was said of its text before is not found again; an older voice has nothing said of it.
        warnings = tuple(dict.fromkeys(stored.voice.warnings + reference.warnings))
        voice = replace(
            stored.voice,
            ref_text=reference.text,
            duration=_duration(reference.codes),
            checkpoint=self._codec,
            warnings=warnings,
        )
        stored = StoredVoice(voice, replace(reference, warnings=warnings))
        await asyncio.to_thread(self._store.replace, stored, clip)
        return stored

    async def _built_in(self, name: str) -> StoredVoice:
        async with self._locks[name]:
            stored = self._made.get(name) or await self._kept(name)
            if stored and stored.voice.checkpoint == self._checkpoints:
                return stored
            codes = await self._invented(BUILT_IN.index(name) + 1)
            voice = replace(_built_in(name), duration=_duration(codes), checkpoint=self._checkpoints)
            stored = StoredVoice(voice, Reference(codes, _PHRASE))
            try:
                await asyncio.to_thread(self._store.replace, stored)
            except OSError as error:
                logger.warning("The built-in voice %s cannot be kept in VOICES_DIR: %s", name, error)
                self._made[name] = stored
            return stored

    async def _kept(self, name: str) -> StoredVoice | None:
        try:
            return await asyncio.to_thread(self._store.read, f"builtin_{name}")
        except InvalidInput as error:
            logger.warning("%s", error)
            return None

    async def _invented(self, seed: int) -> Codes:
        fewest, most = Pace().bounds(_PHRASE)
        codes: Codes = np.zeros(0, np.int32)
        async with self._residency.held(["Llasa"]):
            for attempt in range(_TRIES):
                sampling = Sampling(seed=seed + attempt * len(BUILT_IN))
                take = TakeRequest(_PHRASE, sampling=sampling, min_codes=fewest, max_codes=most)
                codes, finish = await self._take(take)
                if finish == "stop":
                    break
        return codes

    async def _take(self, take: TakeRequest) -> tuple[Codes, FinishReason | None]:
        chunks = [chunk async for chunk in self._lm.generate(take)]
        return np.concatenate([chunk.codes for chunk in chunks]), chunks[-1].finish


def _built_in(name: str) -> Voice:
    return Voice(f"builtin_{name}", name, created_at=0, ref_text=_PHRASE, duration=0.0)


def _duration(codes: Codes) -> float:
    return len(codes) / CODES_A_SECOND


def _built_in_name(key: str) -> str | None:
    name = normal_name(key).lower().removeprefix("builtin_")
    return name if name in BUILT_IN else None


@contextmanager
def _on_disk(key: str) -> Iterator[None]:
    """A voice may be deleted between two looks at its file, and the disk may be full."""
    try:
        yield
    except FileNotFoundError:
        raise _no_voice(key) from None
    except OSError as error:
        logger.warning("VOICES_DIR cannot be used: %s", error)
        raise Unavailable(f"The voice cannot be stored now ({error.strerror}). Try again later.") from error


def _no_voice(key: str) -> NotFound:
    return NotFound(f"There is no voice {key[:100]!r}: see GET /v1/audio/voices.", "voice")
