"""HTML of the list of jobs. Titles and other texts of documents are escaped."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Final, cast

from deployments.jobs.formats import BookFormat, FileFormat
from deployments.jobs.protocol import ENDED, ChapterProgress, Job, State
from deployments.service.transcription import TextFormat
from ui import markup
from ui.book_texts import BookTexts
from ui.job_links import JobLinks, JobResource
from ui.texts import Texts

Link = Callable[..., str]

_ACTIONS: Final[dict[State, tuple[str, ...]]] = {
    "queued": ("pause", "delete"),
    "running": ("pause", "delete"),
    "paused": ("undo", "delete"),
    "failed": ("retry", "delete"),
    "done": ("delete",),
}
"""Events of the list by a job's state. Gradio has none of the name `resume`: to undo the pause is one."""
_OTHERS: Final[tuple[FileFormat, ...]] = ("mp3", "zip", "srt")
_LABELS: Final = {"text": "TXT"}
_MOST_WARNINGS: Final = 5


def job_list(jobs: Sequence[Job], chosen: Job | None, texts: Texts, links: JobLinks, prefix: str, owner: str) -> str:
    """Renders jobs, and the chapters of the chosen one.

    Args:
        jobs: Jobs of one kind, at least one, without their chapters.
        chosen: One of them, with its chapters.
        texts: The language.
        links: Makes the links.
        prefix: URL prefix of the page.
        owner: Owner of the jobs.
    """

    def link(job: Job, label: str, format: FileFormat | TextFormat, chapter: int | None = None, about: str = "") -> str:
        file: JobResource = "audio" if job.kind == "speech" else "transcript"
        address = escape(links.link(prefix, owner, job.id, format, chapter, file))
        name = escape(f"{texts.download}: {about or label}")
        return f'<a class="chip" download href="{address}" aria-label="{name}">{escape(label)}</a>'

    def row(job: Job) -> str:
        title = escape(job.title or texts.books.untitled)
        current = chosen is not None and job.id == chosen.id
        downloads = "".join(link(job, _LABELS.get(format, format.upper()), format) for format in _files(job))
        details = _chapters(chosen, texts, link) + _notes(chosen, texts) if chosen and current else ""
        return (
            f'<li><h3><button type="button" data-event="expand" value="{job.id}"'
            f' aria-expanded="{str(current).lower()}">{title}</button></h3>{_state(job, texts)}'
            f'<div class="actions">{downloads}{_buttons(job, texts.books)}</div>{details}</li>'
        )

    return f'<ul class="jobs">{"".join(row(job) for job in jobs)}</ul>'


def _files(job: Job) -> list[FileFormat | TextFormat]:
    """Returns the formats in which a job can be downloaded."""
    if job.state != "done":
        return []
    if job.kind == "transcription":
        return ["text", "srt", "vtt"]
    return [*dict.fromkeys((cast("BookFormat", job.response_format), *_OTHERS))]


def length(seconds: float, texts: BookTexts) -> str:
    """Returns a length in minutes, or in hours and minutes."""
    hours, minutes = divmod(max(round(seconds / 60), 1), 60)
    return (texts.hours if hours else texts.minutes).format(hours=hours, minutes=minutes)


def _state(job: Job, texts: Texts) -> str:
    books = texts.books
    hearing = job.kind == "transcription" and job.state == "running"
    facts = [job.author, texts.being_heard if hearing else books.states[job.state]]
    if job.state not in ENDED:
        facts.append(books.parts.format(done=job.parts_done, parts=job.parts))
        if job.seconds_left is not None and job.state != "paused":
            facts.append(books.left.format(time=length(job.seconds_left, books)))
    if job.retaken:
        facts.append(books.retaken.format(count=job.retaken))
    if job.duration:
        facts.append(f"{texts.seconds} {markup.clock(job.duration)}")
    line = f'<p class="hint">{escape(" · ".join(fact for fact in facts if fact))}</p>'
    if job.state not in ENDED:
        name = escape(f"{texts.progress}: {job.title or books.untitled}")
        line += f'<progress value="{job.progress:.3f}" aria-label="{name}"></progress>'
    look = "failed" if job.state == "failed" else "hint"
    return line + (f'<p class="{look}">{escape(job.error)}</p>' if job.error else "")


def _buttons(job: Job, texts: BookTexts) -> str:
    title = job.title or texts.untitled

    def button(event: str) -> str:
        text = texts.actions[event]
        name = escape(f"{text}: {title}")
        question = escape(texts.confirm.format(title=title)) if event == "delete" else ""
        return (
            f'<button type="button" class="chip" data-event="{event}" value="{job.id}" data-confirm="{question}"'
            f' aria-label="{name}">{escape(text)}</button>'
        )

    return "".join(button(event) for event in _ACTIONS.get(job.state, ()))


def _chapters(job: Job, texts: Texts, link: Link) -> str:
    if job.kind == "transcription":
        return ""
    rows = "".join(_chapter(job, number, each, texts, link) for number, each in enumerate(job.chapters, 1))
    return f'<ol class="chapters" aria-label="{escape(texts.books.chapters)}">{rows}</ol>'


def _chapter(job: Job, number: int, chapter: ChapterProgress, texts: Texts, link: Link) -> str:
    title = chapter.title or job.title or texts.books.untitled
    complete = chapter.parts_done == chapter.parts
    fact = texts.books.parts.format(done=chapter.parts_done, parts=chapter.parts)
    shown = f'<span>{escape(title)}</span><span class="hint">'
    shown += f"{markup.clock(chapter.duration) if complete else escape(fact)}</span>"
    if chapter.parts_done:
        label = escape(f"{texts.hear}: {title}")
        file: JobResource = "audio" if complete else "stream"
        shown += (
            f'<button type="button" data-event="play" value="{job.id}" data-chapter="{number}" data-file="{file}"'
            f' data-title="{escape(title)}" aria-label="{label}" title="{label}">▶</button>'
        )
    return f"<li>{shown}{link(job, 'MP3', 'mp3', number, title) if complete else ''}</li>"


def _notes(job: Job, texts: Texts) -> str:
    notes: Iterable[str] = job.warnings[:_MOST_WARNINGS]
    if job.overruns:
        notes = [*notes, texts.books.overruns.format(count=len(job.overruns))]
    return markup.warnings(notes)
