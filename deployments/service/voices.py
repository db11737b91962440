"""The voices that requests may name: stored and built-in ones."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from deployments.checkpoints import identity
from deployments.errors import Conflict, InvalidInput, NotFound, Unavailable
from deployments.llasa.protocol import SpeechLM
from deployments.profiles import Profile
from deployments.residency.protocol import Residency
from deployments.service.built_in import BuiltInVoices, built_in_name
from deployments.synthesis.pace import seconds
from deployments.synthesis.synthesizer import Synthesizer
from deployments.voices.bundle import Bundle, packed
from deployments.voices.names import check_consent, check_name, voice_id
from deployments.voices.preparation import ReferenceCheck
from deployments.voices.reference import Reference
from deployments.voices.store import StoredVoice, Voice, VoiceStore
from deployments.xcodec2.protocol import Waveform

logger = logging.getLogger(__name__)


class Voices:
    """Returns references by name. A voice is prepared once; using it needs neither the codec nor Whisper.

    Args:
        store: Stores the voices.
        synthesizer: Prepares clips.
        lm: Generates the built-in voices.
        residency: Keeps the models loaded for it.
        profile: Names the checkpoints. A voice with codes of other checkpoints is prepared again.
    """

    def __init__(
        self, store: VoiceStore, synthesizer: Synthesizer, lm: SpeechLM, residency: Residency, profile: Profile
    ) -> None:
        self._store = store
        self._synthesizer = synthesizer
        self._built_in = BuiltInVoices(store, lm, residency, profile)
        self._codec = identity(profile.xcodec2)
        self._locks = defaultdict[str, asyncio.Lock](asyncio.Lock)

    async def list(self) -> list[Voice]:
        """Returns the built-in voices, then the stored ones, the newest last."""
        return [*await self._built_in.list(), *await asyncio.to_thread(self._store.list)]

    async def get(self, key: str) -> Voice:
        """Returns a voice by its name or id.

        Raises:
            NotFound: there is no such voice.
        """
        if name := built_in_name(key):
            return await self._built_in.get(name)
        return (await self._stored(key)).voice

    async def reference(self, key: str) -> Reference:
        """Returns the reference of a voice by its name or id.

        Raises:
            NotFound: there is no such voice.
            Unavailable: the voice must be prepared, and a model cannot serve.
        """
        if name := built_in_name(key):
            return await self._built_in.reference(name)
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
            name: Name of the voice.
            clip: [samples] mono at 16 kHz.
            ref_text: Its transcript; None: Whisper's.
            consent: Whose voice it is, and how they consented.
            check: What to do if the text does not match the clip; None: the service's default.
            warnings: Problems of the clip's file.

        Raises:
            InvalidInput: the name or the consent is invalid.
            InvalidAudio: no text came with the clip, and Whisper hears none in it.
            InvalidText: the text does not match the clip.
            Conflict: a voice of that name exists.
            Unavailable: a model cannot serve.
        """
        name, consent = await self._free(name), check_consent(consent)
        reference = await self._synthesizer.prepare(clip, ref_text, check)
        return await self._add(name, replace(reference, warnings=warnings + reference.warnings), clip, consent)

    async def restore(self, name: str, bundle: Bundle, clip: Waveform) -> Voice:
        """Stores the voice of a bundle. Its clip is encoded again if its codes are those of another codec.

        Args:
            name: Name of the voice.
            bundle: The bundle.
            clip: [samples] mono at 16 kHz: its clip.

        Raises:
            InvalidInput: the name, the consent or a code is invalid.
            Conflict: a voice of that name exists.
            Unavailable: a model cannot serve.
        """
        name, consent = await self._free(name), check_consent(bundle.consent)
        if bundle.codec == self._codec:
            reference = Reference(bundle.codes, bundle.ref_text, bundle.warnings)
            await self._synthesizer.sound(reference)  # refuses codes that the codec does not have
        else:
            reference = await self._synthesizer.prepare(clip, bundle.ref_text, "off")
            reference = replace(reference, warnings=tuple(dict.fromkeys(bundle.warnings + reference.warnings)))
        return await self._add(name, reference, clip, consent)

    async def bundle(self, key: str) -> bytes:
        """Returns the bundle of a stored voice.

        Raises:
            InvalidInput: the voice is a built-in one.
            NotFound: there is no such voice.
            Unavailable: its clip must be decoded, and a model cannot serve.
        """
        if built_in_name(key):
            raise InvalidInput("A built-in voice has no clip and cannot be exported.", "voice")
        stored = await self._stored(key)
        return await asyncio.to_thread(packed, stored, await self.sample(stored.voice.id))

    async def rename(self, key: str, name: str) -> Voice:
        """Renames a stored voice, which changes its id, too.

        Raises:
            InvalidInput: the name is invalid, or the voice is a built-in one.
            NotFound: there is no such voice.
            Conflict: a voice of the new name exists.
        """
        name = check_name(name)
        if built_in_name(key):
            raise InvalidInput("A built-in voice cannot be renamed.", "voice")
        stored = await self._stored(key)
        if built_in_name(name):
            raise _taken(name)
        with _on_disk(key):
            return await asyncio.to_thread(self._store.rename, stored, name)

    async def sample(self, key: str) -> Waveform:
        """Returns [samples] mono at 16 kHz: a sample of a voice.

        Raises:
            NotFound: there is no such voice.
            Unavailable: the voice must be generated or decoded, and a model cannot serve.
        """
        if not built_in_name(key):
            with _on_disk(key):
                clip = await asyncio.to_thread(self._store.clip, await self._stored(key))
            if len(clip):
                return clip
        return await self._synthesizer.sound(await self.reference(key))

    async def remove(self, key: str) -> Voice:
        """Deletes a voice by its name or id.

        Raises:
            InvalidInput: the voice is a built-in one.
            NotFound: there is no such voice.
        """
        if built_in_name(key):
            raise InvalidInput("A built-in voice cannot be deleted.", "voice")
        voice = (await self._stored(key)).voice
        if not await asyncio.to_thread(self._store.remove, voice.id):
            raise _no_voice(key)
        return voice

    async def _free(self, name: str) -> str:
        name = check_name(name)
        if built_in_name(name) or await asyncio.to_thread(self._store.read, name) is not None:
            raise _taken(name)
        return name

    async def _add(self, name: str, reference: Reference, clip: Waveform, consent: str) -> Voice:
        voice = Voice(
            id=voice_id(name),
            name=name,
            created_at=int(time.time()),
            ref_text=reference.text,
            duration=seconds(reference.codes),
            consent=consent,
            checkpoint=self._codec,
            warnings=reference.warnings,
        )
        with _on_disk(name):
            await asyncio.to_thread(self._store.add, StoredVoice(voice, reference), clip)
        return voice

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
        # Not checked again: the text of a clip that was cut is only a part.
        reference = await self._synthesizer.prepare(clip, stored.reference.text, "off")
        await self._stored(stored.voice.id)  # a voice that was deleted meanwhile must not come back
        # Earlier warnings about the text cannot be found again; older voices have none.
        warnings = tuple(dict.fromkeys(stored.voice.warnings + reference.warnings))
        voice = replace(
            stored.voice,
            ref_text=reference.text,
            duration=seconds(reference.codes),
            checkpoint=self._codec,
            warnings=warnings,
        )
        stored = StoredVoice(voice, replace(reference, warnings=warnings))
        await asyncio.to_thread(self._store.replace, stored, clip)
        return stored


@contextmanager
def _on_disk(key: str) -> Iterator[None]:
    """Handles a voice that is deleted between two accesses of its file, and a full disk."""
    try:
        yield
    except FileNotFoundError:
        raise _no_voice(key) from None
    except OSError as error:
        logger.warning("VOICES_DIR cannot be used: %s", error)
        raise Unavailable(f"The voice cannot be stored now ({error.strerror}). Try again later.") from error


def _no_voice(key: str) -> NotFound:
    return NotFound(f"There is no voice {key[:100]!r}: see GET /v1/audio/voices.", "voice")


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a voice {name!r} already.", "name")
