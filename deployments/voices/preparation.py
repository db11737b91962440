"""From a clip and perhaps its text to a reference whose text is what it says."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from deployments.errors import InvalidAudio, InvalidText
from deployments.text.wer import Alignment, error_rate
from deployments.voices.cleaning import SHORTEST, CleanClip, VoiceDetector, clean, find_speech
from deployments.voices.reference import Reference, ReferenceCache
from deployments.whisper.protocol import Transcriber, Transcript, Word
from deployments.xcodec2.protocol import SAMPLE_RATE, Codec, Waveform

ReferenceCheck = Literal["off", "refuse", "repair"]
"""Whether Whisper listens to a reference that came with its text: to refuse it when they differ, or to take what it
hears instead."""
LONGEST: Final = 15.0
"""Seconds to which longer clips are cut, at a word."""
BEARABLE: Final = 20.0
"""Seconds up to which one that cannot be cut is used whole."""
_MISMATCH: Final = 0.4
"""Word errors beyond which clip and text do not belong together. Names and numbers cost Whisper far less."""
_SURE: Final = -0.7
"""Mean log-probability of its words above which Whisper's word counts against the caller's."""
_REST: Final = 0.3
"""Seconds between words at which a voice rests. Of such places the last is taken: it leaves the most of the voice."""
_REMEMBERED: Final = 64
"""Clips of which it is remembered what Whisper heard."""
_TAIL: Final = 0.15
"""Seconds left at most after the last word."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A clip that is clean, not yet encoded."""

    key: bytes
    clip: CleanClip
    text: str | None
    check: ReferenceCheck

    @property
    def too_long(self) -> bool:
        return len(self.clip.wav) > LONGEST * SAMPLE_RATE

    @property
    def needs_listening(self) -> bool:
        """Whether Whisper must hear it: for its text, to compare it, or for a word to cut at."""
        return self.text is None or self.check != "off" or self.too_long


class Preparer:
    """Prepares references, and remembers them by their content.

    Args:
        codec: Encodes.
        transcriber: Listens.
        detect: Finds the speech in a clip.
        cache: Where they are remembered.
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
        self._heard = OrderedDict[bytes, Transcript]()

    async def draft(self, wav: Waveform, text: str | None, check: ReferenceCheck) -> Reference | Draft:
        """What can be done without a model: all, where the same was prepared before."""
        key = hashlib.sha256(b"\0".join([wav.tobytes(), repr(text).encode(), check.encode()])).digest()
        if known := self._cache.get(key):
            return known
        return Draft(key, await asyncio.to_thread(clean, wav, self._detect), text, check)

    async def listen(self, draft: Draft) -> Transcript:
        """What Whisper hears; with the times of words, where it must be cut at one.

        That is remembered, too: a clip that was refused may come again with another text.
        """
        key = hashlib.sha256(draft.clip.wav.tobytes()).digest()
        heard = self._heard.pop(key, None)
        if heard is None:
            heard = await self._transcriber.transcribe(draft.clip.wav, word_timestamps=draft.too_long)
        self._heard[key] = heard
        if len(self._heard) > _REMEMBERED:
            self._heard.popitem(last=False)
        return heard

    async def encode(self, draft: Draft, heard: Transcript | None) -> Reference:
        """Settles the text, cuts, encodes.

        Args:
            draft: The clip.
            heard: What Whisper hears, where the draft needs it.

        Raises:
            InvalidAudio: no text came with the clip and none is heard in it, or it is too long and cannot be cut.
            InvalidText: the text is not what the clip says.
        """
        wav, text, warnings = await asyncio.to_thread(_settled, draft, heard)
        reference = Reference(await self._codec.encode(wav), text, warnings)
        self._cache.put(draft.key, reference)
        return reference


def _settled(draft: Draft, heard: Transcript | None) -> tuple[Waveform, str, tuple[str, ...]]:
    # Blocks: long texts take seconds to compare.
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
    sure = np.mean([segment.avg_logprob for segment in heard.segments]) if heard.segments else -np.inf
    if sure < _SURE:
        warnings.append("What the reference says is hard to hear: its text was not checked.")
        return text
    if check == "repair":
        warnings.append(f"The reference's text {text!r} was replaced by what is heard in it: {heard.text!r}.")
        return heard.text
    raise InvalidText(
        f"The clip does not say its text. Sent: {text!r}. Heard: {heard.text!r}. Send the text of the clip, or none, "
        "or ask for ref_check=repair (take what is heard) or off.",
        "ref_text",
    )


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
    # Words that leave most of what may be used; earlier ones where there are none.
    fitting = [index for index, word in enumerate(words[:-1]) if SHORTEST <= word.end <= LONGEST - _TAIL]
    late = [index for index in fitting if words[index].end >= LONGEST / 2]
    return late or fitting


def _pause_after(words: list[Word], index: int) -> float:
    return max(words[index + 1].start - words[index].end, 0.0)
