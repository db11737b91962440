"""Jobs as their callers see them."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from deployments.audio.meter import Loudness
from deployments.jobs.formats import BookFormat, FileFormat, StreamFormat
from deployments.jobs.order import JobOrder
from deployments.jobs.recordings import TranscriptionOrder
from deployments.whisper.protocol import Transcript, TranscriptFormat

State = Literal["queued", "running", "paused", "done", "failed", "cancelled"]
ENDED: Final[frozenset[State]] = frozenset({"done", "failed", "cancelled"})
"""States in which no part will be spoken."""
Kind = Literal["speech", "transcription"]


@dataclass(frozen=True, slots=True)
class Overrun:
    """A cue that is spoken late, or for longer than it has time."""

    part: int
    """From 1."""
    text: str
    late: float
    """Seconds between the cue's begin and the speech's."""
    over: float
    """Seconds between the end of the cue, or of the gap after it, and that of the speech."""


@dataclass(frozen=True, slots=True)
class ChapterProgress:
    """How much of a chapter is spoken."""

    title: str
    parts: int
    parts_done: int
    duration: float
    """Seconds of its audio so far."""


@dataclass(frozen=True, slots=True)
class Job:
    """State of a job."""

    id: str
    state: State
    title: str | None
    author: str | None
    response_format: BookFormat | TranscriptFormat
    created_at: float
    """Seconds since 1970, as all times."""
    updated_at: float
    parts: int
    parts_done: int
    parts_failed: int
    characters: int
    """0 of a transcription."""
    characters_done: int
    progress: float
    """Fraction of the characters that is spoken, or of the recording that is transcribed, from 0 to 1."""
    duration: float
    """Seconds of audio so far."""
    seconds_left: float | None
    """Estimated seconds until it is done, without the wait for other jobs; None: unknown."""
    error: str | None
    """Why it failed, or what it waits for."""
    warnings: tuple[str, ...] = ()
    chapters: tuple[ChapterProgress, ...] = ()
    """Empty in lists."""
    overruns: tuple[Overrun, ...] = ()
    """Of subtitles: the cues that do not fit, so far. Empty in lists."""
    kind: Kind = "speech"
    retaken: int = 0
    """Parts that were spoken again because their pace, pitch or timbre differed from that of their voice."""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A change of a job."""

    number: int
    """From 1, without gaps."""
    type: str
    """`state`, `part`, `retake` or `problem`."""
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file of a job, complete on the disk."""

    name: str
    size: int
    """Bytes."""
    media_type: str


class JobBoard(Protocol):
    """The jobs of all clients. To a client, jobs of others do not exist.

    All methods but `create` and `list` raise NotFound.
    """

    async def create(self, owner: str, order: JobOrder | TranscriptionOrder) -> Job:
        """Stores a new job.

        Raises:
            Overloaded: the client has too many unfinished jobs.
            InvalidText: there is nothing to speak.
        """
        ...

    async def list(self, owner: str) -> list[Job]:
        """Returns the jobs, the newest first, without their chapters."""
        ...

    async def get(self, owner: str, id: str) -> Job: ...

    async def pause(self, owner: str, id: str) -> Job:
        """Stops a job until it is resumed.

        Raises:
            Conflict: it has ended.
        """
        ...

    async def resume(self, owner: str, id: str) -> Job:
        """Continues a paused job.

        Raises:
            Conflict: it has ended.
        """
        ...

    async def retry(self, owner: str, id: str) -> Job:
        """Speaks the failed parts of a failed job again, with other seeds.

        Raises:
            Conflict: it has not failed.
        """
        ...

    async def delete(self, owner: str, id: str) -> Job:
        """Deletes a job and its audio for good; stops it before."""
        ...

    async def events(self, owner: str, id: str, after: int = 0, wait_s: float = 0) -> tuple[JobEvent, ...]:
        """Returns events with higher numbers than `after`; waits for the first if there are none yet."""
        ...

    async def file(self, owner: str, id: str, format: FileFormat | None, chapter: int | None) -> JobFile:
        """Writes a file of all the speech or of a chapter, or their captions, if it does not exist yet.

        Args:
            owner: The client.
            id: The job.
            format: None: the job's.
            chapter: From 1; None: all chapters.

        Raises:
            Conflict: not all of it is spoken yet, or it is a transcription.
            InvalidInput: the format cannot hold so much.
        """
        ...

    async def transcript(self, owner: str, id: str) -> Transcript:
        """Returns the transcript of a recording, with its words.

        Raises:
            Conflict: not all of it is transcribed yet, or it is speech.
        """
        ...

    async def loudness(self, owner: str, id: str, format: BookFormat | None, chapter: int | None) -> Loudness:
        """Measures a file of all the speech or of a chapter; see `file`."""
        ...

    def stream(
        self, owner: str, id: str, format: StreamFormat, chapter: int | None, follow: bool
    ) -> AsyncGenerator[bytes, None]:
        """Yields all the speech or a chapter from its beginning, as it is spoken; no bytes while it waits.

        Args:
            owner: The client.
            id: The job.
            format: Format of the stream.
            chapter: From 1; None: all chapters.
            follow: Whether to wait for parts that are not spoken yet. It ends at once when the job is paused or has
                failed.

        Raises:
            Conflict: the job transcribes.
        """
        ...

    def read(self, owner: str, id: str, name: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yields bytes of a file."""
        ...
