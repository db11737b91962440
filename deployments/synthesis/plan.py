"""Splits a text of any length into chunks that the model can speak."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from deployments.errors import InvalidText
from deployments.synthesis.pace import CODES_A_SECOND, Pace
from deployments.text.boundary import Boundary, boundaries, repeats
from deployments.text.script import Script, Segment, flowing
from deployments.voices.reference import Reference

WINDOW: Final = 2048
"""Tokens of text and speech in Llasa's training."""
_FRAME: Final = 128
"""Maximum tokens of the chat template around texts and codes, without instructions."""
_SLACK: Final = 1.5
"""Factor by which a take may exceed its expected length before the window ends it."""
LONGEST: Final = 12 * CODES_A_SECOND
"""Maximum expected codes of a chunk: beyond some 20 s, takes wander."""
FIRST: Final = 4 * CODES_A_SECOND
"""Limit for the first chunk, kept short for low latency."""
_WORTH: Final = CODES_A_SECOND
"""Chunks shorter than this are joined to the next: very short takes fail more often."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Text of one take."""

    text: str
    pause: float
    """Seconds of silence after it; 0 for the last, unless a pause was asked for there."""
    voice: str | None = None
    """Name of its voice; None: the request's."""
    rate: float | None = None
    """Speed, 1 for the voice's own; None: the request's."""
    before: float = 0.0
    """Seconds of silence before it: only a script that begins with a pause has any, before its first chunk."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits the text of a chunk.

    Args:
        pace: Pace of the voice.
        room: Tokens of the window that the chunk's text and speech share.
    """

    pace: Pace = Pace()
    room: int = WINDOW - _FRAME

    @classmethod
    def beside(cls, reference: Reference, instruction: str) -> "Budget":
        """Returns the budget that a reference and an instruction leave.

        No tokenizer makes more tokens of a text than it has bytes.

        Raises:
            InvalidText: less than two seconds are left.
        """
        room = WINDOW - _FRAME - _bytes(instruction) - _bytes(reference.text) - len(reference.codes)
        if room < 2 * CODES_A_SECOND * _SLACK:
            raise InvalidText(
                f"The reference leaves {room} of the model's {WINDOW} tokens, too few to speak with: shorten the clip "
                "and its text, or the instructions."
            )
        return cls(Pace.of(reference.text, len(reference.codes)), room)

    def fits(self, text: str, longest: float = LONGEST) -> bool:
        """Returns whether a chunk may be this long."""
        expected = self.pace.codes(text)
        return expected <= longest and _bytes(text) + _SLACK * expected <= self.room


@dataclass(frozen=True, slots=True)
class _Unit:
    text: str
    kind: Boundary
    """The boundary at its end."""
    forced: bool = False
    """Whether the chunk must end there, too."""


def plan(text: str | Script, budget: Budget, budgets: Mapping[str, Budget] | None = None) -> tuple[Chunk, ...]:
    """Cuts a text into chunks: at paragraphs, and if one is too long at sentences, clauses, words, characters.

    A script is also cut at its pauses, and where the voice or the rate changes.

    All speakable text is kept, in order and without repetition; white space between chunks becomes pauses. Numbers,
    abbreviations and addresses are cut only if one alone is longer than a chunk.

    Args:
        text: What is spoken.
        budget: Limits of a chunk in the request's voice.
        budgets: Limits in the voices of a script, by their names; missing ones have those of the request's voice.

    Returns:
        Chunks with a letter or a digit each. A text with none is one chunk, a script with none has no chunks.
    """
    return _plan(text, budget) if isinstance(text, str) else _turns(text, budget, budgets or {})


def cut_finer(chunk: Chunk) -> tuple[Chunk, ...]:
    """Cuts a chunk at its sentences, else at its clauses, else near its middle; returns a single word as it is."""
    unit = _Unit(chunk.text, Boundary.WORD)
    words = sorted(boundaries(chunk.text, Boundary.WORD), key=lambda at: abs(2 * at - len(chunk.text)))
    ways = (_cut(unit, Boundary.SENTENCE), _cut(unit, Boundary.CLAUSE), _cut_at(unit, words[:1]))
    parts = next((parts for way in ways if len(parts := _spoken(way)) > 1), (chunk,))
    return tuple(replace(part, voice=chunk.voice, rate=chunk.rate) for part in parts)


def _turns(script: Script, budget: Budget, budgets: Mapping[str, Budget]) -> tuple[Chunk, ...]:
    chunks: list[Chunk] = []
    before = 0.0
    for (voice, rate), text, pause in _stretches(script.segments):
        if not any(character.isalnum() for character in text):
            if chunks:
                chunks[-1] = replace(chunks[-1], pause=max(chunks[-1].pause, pause))
            else:
                before += pause
            continue
        if chunks and not chunks[-1].pause:
            chunks[-1] = replace(chunks[-1], pause=Boundary.SENTENCE.pause)
        parts = _plan(text, budgets.get(voice or "", budget), first=not chunks)
        chunks += [replace(part, voice=voice, rate=rate) for part in parts]
        chunks[-1] = replace(chunks[-1], pause=pause)
    return (replace(chunks[0], before=before), *chunks[1:]) if chunks else ()


def _stretches(segments: Iterable[Segment]) -> Iterator[tuple[tuple[str | None, float | None], str, float]]:
    """Yields the manner, the text and the pause of stretches that may share a take."""
    texts: list[str] = []
    manner: tuple[str | None, float | None] = (None, None)
    for segment in segments:
        if texts and (segment.voice, segment.rate) != manner:
            yield manner, flowing(texts), 0.0
            texts = []
        manner = (segment.voice, segment.rate)
        texts.append(segment.text)
        if segment.pause:
            yield manner, flowing(texts), segment.pause
            texts = []
    if texts:
        yield manner, flowing(texts), 0.0


def _plan(text: str, budget: Budget, *, first: bool = True) -> tuple[Chunk, ...]:
    whole = text.strip()
    cuts = sorted(set(repeats(whole)))
    if not cuts and budget.fits(whole) and not any(boundaries(whole, Boundary.PARAGRAPH)):
        return (Chunk(whole, 0),)
    pieces: list[_Unit] = []
    for paragraph in _cut(_Unit(whole, Boundary.PARAGRAPH, forced=True), Boundary.PARAGRAPH):
        pieces += _cut_at(paragraph, list(repeats(paragraph.text)))
    return _spoken(_pack(pieces, budget, FIRST if first else LONGEST))


def _pack(units: list[_Unit], budget: Budget, shortest: float) -> list[_Unit]:
    # Chunks are filled unit by unit; a unit that does not fit is split further, or begins the next chunk.
    queue = deque(units)
    chunks: list[_Unit] = []
    current = ""
    kind = Boundary.WORD
    while queue:
        unit = queue.popleft()
        joined = current + unit.text
        # Within clauses, only units too long for any chunk are cut.
        fits = budget.fits(joined.strip(), LONGEST if chunks else shortest)
        finer = [] if fits else _finer(unit, budget)
        if fits or not (current.strip() or finer):
            current, kind = joined, unit.kind
            if unit.forced or not queue:
                chunks.append(_Unit(current, kind))
                current = ""
        elif finer and budget.pace.codes(current.strip()) < _WORTH:
            queue.extendleft(reversed(finer))
        else:
            chunks.append(_Unit(current, kind))
            current = ""
            queue.appendleft(unit)
    return chunks


def _finer(unit: _Unit, budget: Budget) -> list[_Unit]:
    """Splits a unit; returns nothing if it should stay whole."""
    kinds: tuple[Boundary, ...] = (Boundary.SENTENCE, Boundary.CLAUSE)
    if not budget.fits(unit.text.strip()):
        kinds += (Boundary.WORD, Boundary.CHARACTER)
    for kind in kinds:
        parts = _cut(unit, kind)
        if len(parts) > 1:
            return parts
    if Boundary.WORD not in kinds or len(unit.text) < 2:
        return []
    half = len(unit.text) // 2  # a letter with more combining marks than fit into a chunk
    return [_Unit(unit.text[:half], Boundary.CHARACTER), _Unit(unit.text[half:], unit.kind, unit.forced)]


def _cut(unit: _Unit, kind: Boundary) -> list[_Unit]:
    return _cut_at(unit, list(boundaries(unit.text, kind)), kind, forced=kind is Boundary.PARAGRAPH)


def _cut_at(unit: _Unit, cuts: list[int], kind: Boundary = Boundary.WORD, *, forced: bool = True) -> list[_Unit]:
    edges = [0, *sorted({at for at in cuts if 0 < at < len(unit.text)}), len(unit.text)]
    parts = [unit.text[start:end] for start, end in pairwise(edges)]
    return [*(_Unit(part, kind, forced) for part in parts[:-1]), _Unit(parts[-1], unit.kind, unit.forced)]


def _spoken(units: list[_Unit]) -> tuple[Chunk, ...]:
    # A unit without anything to speak, such as a row of dots, becomes a pause.
    chunks: list[Chunk] = []
    for unit in units:
        if any(character.isalnum() for character in unit.text):
            chunks.append(Chunk(unit.text.strip(), unit.kind.pause))
        elif chunks:
            chunks[-1] = Chunk(chunks[-1].text, max(chunks[-1].pause, unit.kind.pause))
    if not chunks:
        return (Chunk("".join(unit.text for unit in units).strip(), 0),)
    return (*chunks[:-1], Chunk(chunks[-1].text, 0))


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
