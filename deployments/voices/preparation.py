"""Prepares a reference from a clip, so that its text matches what it says."""

import asyncio
import hashlib
import unicodedata
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from cachetools import LRUCache

from deployments.errors import InvalidAudio, InvalidText
from deployments.text.wer import Alignment, error_rate
from deployments.voices.cleaning import SHORTEST, CleanClip, VoiceDetector, clean, find_speech
from deployments.voices.reference import Reference, ReferenceCache
from deployments.whisper.protocol import Transcriber, Transcript, Word
from deployments.xcodec2.protocol import SAMPLE_RATE, Codec, Waveform

ReferenceCheck = Literal["off", "refuse", "repair"]
"""Whether Whisper checks a reference that came with its text: to refuse it if they differ, or to replace its text by
what it hears."""
LONGEST: Final = 15.0
"""Seconds to which longer clips are cut, at a word."""
BEARABLE: Final = 20.0
"""Seconds up to which a clip that cannot be cut is used whole."""
_MISMATCH: Final = 0.4
"""Word error rate beyond which clip and text do not match. Names and numbers cost Whisper far less."""
_SURE: Final = -0.7
"""Mean log-probability of its words above which Whisper overrides the caller."""
_REPETITIVE: Final = 2.4
"""Compression ratio of a segment above which Whisper takes it for a repetition of its own, however sure it is."""
_REST: Final = 0.3
"""Seconds of a pause between words. The cut is at the last pause, which keeps the most of the voice."""
_REMEMBERED: Final = 64
"""Clips whose transcripts are cached."""
_TAIL: Final = 0.15
"""Maximum seconds kept after the last word."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A cleaned clip, not yet encoded."""

    key: bytes
    clip: CleanClip
    text: str | None
    check: ReferenceCheck

    @property
    def too_long(self) -> bool:
        return len(self.clip.wav) > LONGEST * SAMPLE_RATE

    @property
    def needs_listening(self) -> bool:
        """Whether Whisper must transcribe it: for its text, to compare it, or for a word to cut at."""
        return self.text is None or self.check != "off" or self.too_long


class Preparer:
    """Prepares references, and caches them by their content.

    Args:
        codec: Encodes clips.
        transcriber: Transcribes them.
        detect: Finds the speech in a clip.
        cache: Caches the references.
    """

    def __init__(
        self,
        codec: Codec,
        transcriber: Transcriber,
        detect: VoiceDetector = find_speech,
        cache: ReferenceCache | None = None,
    ) -> None:
        self._codec = codec
        self._transcriber = transcriber
        self._detect = detect
        self._cache = cache or ReferenceCache()
        self._heard = LRUCache[bytes, Transcript](_REMEMBERED)

    async def draft(self, wav: Waveform, text: str | None, check: ReferenceCheck) -> Reference | Draft:
        """Prepares as much as possible without a model; a cached reference is returned at once."""
        key = hashlib.sha256(b"\0".join([wav.tobytes(), repr(text).encode(), check.encode()])).digest()
        if known := self._cache.get(key):
            return known
        return Draft(key, await asyncio.to_thread(clean, wav, self._detect), text, check)

    async def listen(self, draft: Draft) -> Transcript:
        """Transcribes the clip, with the times of words if it must be cut.

        The transcript is cached, too: a refused clip may come again with another text.
        """
        key = hashlib.sha256(draft.clip.wav.tobytes()).digest()
        heard = self._heard.get(key)
        if heard is None:
            heard = await self._transcriber.transcribe(draft.clip.wav, word_timestamps=draft.too_long)
            self._heard[key] = heard
        return heard

    async def hear(self, wav: Waveform) -> Transcript:
        """Returns the transcript of a clip, with the warnings that its reference would have."""
        draft = Draft(b"", await asyncio.to_thread(clean, wav, self._detect), None, "off")
        heard = await self.listen(draft)
        return replace(heard, warnings=heard.warnings + draft.clip.warnings)

    async def encode(self, draft: Draft, heard: Transcript | None) -> Reference:
        """Determines the text, cuts the clip, and encodes it.

        Args:
            draft: The clip.
            heard: Whisper's transcript, if the draft needs it.

        Raises:
            InvalidAudio: no text came with the clip and none is heard in it, or it is too long and cannot be cut.
            InvalidText: the text does not match the clip.
        """
        wav, text, warnings = await asyncio.to_thread(_settled, draft, heard)
        reference = Reference(await self._codec.encode(wav), text, warnings)
        self._cache.put(draft.key, reference)
        return reference


def _settled(draft: Draft, heard: Transcript | None) -> tuple[Waveform, str, tuple[str, ...]]:
    # Blocks: comparing long texts takes seconds.
    warnings = list(draft.clip.warnings)
    text = draft.text
    if heard and text is None:
        text = heard.text
        if not text:
            raise InvalidAudio("No speech is heard in the clip: send one with speech, or its text.", "audio")
    elif heard and text and draft.check != "off":
        text = _checked(text, heard, draft.check, warnings)
    wav = draft.clip.wav
    if heard and text and draft.too_long:
        wav, text = _cut(wav, text, heard)
        if len(wav) > LONGEST * SAMPLE_RATE:
            warnings.append(f"The reference lasts {len(wav) / SAMPLE_RATE:.1f} s and could not be cut at a word.")
    return wav, text or "", tuple(warnings)


def _checked(text: str, heard: Transcript, check: ReferenceCheck, warnings: list[str]) -> str:
    wrong = error_rate(text, heard.text, heard.language)
    if wrong <= _MISMATCH:
        return text
    if heard.english_only and not _is_latin(text):
        warnings.append("The Whisper checkpoint knows only English: the text of the reference was not checked.")
        return text
    sure = np.mean([segment.avg_logprob for segment in heard.segments]) if heard.segments else -np.inf
    if sure < _SURE or any(segment.compression_ratio > _REPETITIVE for segment in heard.segments):
        warnings.append("What the reference says is hard to hear: its text was not checked.")
        return text
    if check == "repair":
        warnings.append(f"The reference's text {text!r} was replaced by what is heard in it: {heard.text!r}.")
        return heard.text
    raise InvalidText(
        f"The clip and its text do not match. Sent: {text!r}. Heard: {heard.text!r}. "
        "Send the text of the clip, or none, or ask for ref_check=repair (take what is heard) or off.",
        "ref_text",
    )


def _is_latin(text: str) -> bool:
    """Returns whether most letters of a text are Latin, as those of English are."""
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters) >= len(letters)


def _cut(wav: Waveform, text: str, heard: Transcript) -> tuple[Waveform, str]:
    # After a word whose place in the text is known.
    words = [word for segment in heard.segments for word in segment.words]
    alignment = Alignment(text, [word.text for word in words])
    for index in sorted(_candidates(words), key=lambda at: (min(_pause_after(words, at), _REST), at), reverse=True):
        if cut := alignment.cut_after(index):
            end = words[index].end + min(_pause_after(words, index) / 2, _TAIL)
            return wav[: round(end * SAMPLE_RATE)], cut
    if len(wav) <= BEARABLE * SAMPLE_RATE:
        return wav, text
    raise InvalidAudio(
        f"The clip lasts {len(wav) / SAMPLE_RATE:.1f} s, and no word of its text is heard at which it could be cut: "
        f"send one of {SHORTEST:g} to {LONGEST:g} s with its text.",
        "audio",
    )


def _candidates(words: list[Word]) -> list[int]:
    # Words that keep most of the usable clip; earlier ones if there are none.
    fitting = [index for index, word in enumerate(words[:-1]) if SHORTEST <= word.end <= LONGEST - _TAIL]
    late = [index for index in fitting if words[index].end >= LONGEST / 2]
    return late or fitting


def _pause_after(words: list[Word], index: int) -> float:
    return max(words[index + 1].start - words[index].end, 0.0)
