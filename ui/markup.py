"""HTML fragments of the page. User text is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from deployments.residency.protocol import GpuStatus, ModelStatus
from deployments.service.pronunciations import StoredPronunciation
from deployments.service.transcription import Transcription
from ui.recording import Recording
from ui.taken import Taken
from ui.texts import Texts

FORMATS: Final = ("wav", "mp3", "opus", "aac", "flac")
_SHOWN: Final = 120
"""Characters of a text shown in the list of takes."""


def hint(text: str) -> str:
    """Renders a note."""
    return f'<p class="hint" aria-live="polite">{escape(text)}</p>'


def status(text: str, seconds: float = 0, *, busy: bool = False, failed: bool = False) -> str:
    """Renders the progress or a failure."""
    length = f" · {seconds:.1f} s" if seconds else ""
    bar = f"<progress aria-label={_quoted(text)}></progress>" if busy else ""
    role = 'role="alert" class="failed"' if failed else 'role="status"'
    return f"<div {role}>{escape(text)}{length}{bar}</div>"


def step(text: str) -> str:
    """Renders the heading of a group of fields."""
    return f'<h2 class="step">{escape(text)}</h2>'


def heard(found: Transcription, texts: Texts) -> str:
    """Renders the length of a clip, and its problems."""
    line = texts.heard if found.text else texts.heard_nothing
    return f'<div role="status"><p class="hint">{escape(line.format(seconds=f"{found.duration:.1f}"))}</p>' + (
        f"{warnings(found.warnings)}</div>"
    )


def state(found: Mapping[str, tuple[ModelStatus, float]], texts: Texts) -> str:
    """Renders the models' states in a line, with the progress of those that load."""
    line = []
    for name, (model, seconds) in found.items():
        text = f"{name}: {texts.states[model.state]}"
        bar = ""
        if model.state == "loading":
            done = f' value="{min(seconds / model.last_load_seconds, 1):.2f}"' if model.last_load_seconds else ""
            bar = f"<progress{done} aria-label={_quoted(text)}></progress>"
        line.append(f'<span class="model {model.state}">{escape(text)}{bar}</span>')
    return f'<p class="state" role="status">{"".join(line)}</p>'


def pronunciations(found: Sequence[StoredPronunciation], texts: Texts) -> str:
    """Renders the table of pronunciations."""
    if not found:
        return hint(texts.no_pronunciations)
    entries = [each.pronunciation for each in found]
    return _table(
        texts.pronunciation_columns,
        ((each.term, each.replacement, each.language or "", each.voice or "", "✓" * each.case) for each in entries),
    )


def player(recording: Recording, prefix: str, texts: Texts) -> str:
    """Renders a player that starts at the first audio."""
    source = escape(f"{prefix}/takes/{recording.id}/speech.wav")
    return f'<audio controls autoplay src="{source}" aria-label={_quoted(texts.player)}></audio>'


def finished(taken: Taken, texts: Texts) -> str:
    """Renders the result of a speech, its warnings, and the times of its stages."""
    speech = taken.finished
    line = texts.done.format(seconds=f"{taken.seconds:.1f}", finish=texts.finishes[speech.finish], seed=speech.seed)
    times = ", ".join(f"{texts.timings[stage]} {seconds:.1f} s" for stage, seconds in speech.timings.items())
    return (
        f'<div role="status">{escape(line)}'
        + warnings(speech.warnings)
        + f'<p class="hint">{escape(texts.times)}: {escape(times)}</p></div>'
    )


def downloads(taken: Taken, prefix: str, texts: Texts) -> str:
    """Renders download links of a speech in each format."""
    links = "".join(
        f'<a class="download" download href="{escape(f"{prefix}/takes/{taken.id}/speech.{format}")}">'
        f"{format.upper()}</a>"
        for format in FORMATS
    )
    return f'<nav aria-label={_quoted(texts.download)}><span class="hint">{escape(texts.download)}</span>{links}</nav>'


def takes(made: Sequence[Taken], prefix: str, texts: Texts) -> str:
    """Renders all takes of a session, for comparison."""
    if not made:
        return hint(texts.no_history)
    rows = []
    for taken in made:
        text = taken.text if len(taken.text) <= _SHOWN else taken.text[: _SHOWN - 1] + "…"
        source = escape(f"{prefix}/takes/{taken.id}/speech.mp3")
        about = f"{taken.voice} · {texts.parameters['seed'][0]} {taken.finished.seed} · {taken.seconds:.1f} s"
        rows.append(
            f'<li><p>{escape(text)}</p><p class="hint">{escape(about)}</p>'
            f'<audio controls preload="none" src="{source}" aria-label={_quoted(text)}></audio></li>'
        )
    return f'<ol class="takes">{"".join(rows)}</ol>'


def clock(seconds: float) -> str:
    """Returns a length as players show it, such as 1:02:03."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def models(found: dict[str, ModelStatus], texts: Texts) -> str:
    """Renders the models' table."""
    rows = []
    for name, model in found.items():
        where = ", ".join(replica.gpu or replica.node for replica in model.replicas)
        timeout = "📌" if model.pinned else f"{model.timeout_seconds:g} s"
        state = texts.states[model.state] + (f": {model.failure}" if model.failure else "")
        idle, load = _seconds(model.idle_seconds), _seconds(model.last_load_seconds)
        rows.append((name, state, where, idle, timeout, f"{model.ongoing:g}", f"{model.queued:g}", load))
    return _table(texts.model_columns, rows)


def gpus(found: Sequence[GpuStatus], texts: Texts) -> str:
    """Renders the GPUs, and the service's models on them."""
    if not found:
        return hint(texts.no_gpu)
    rows = [
        (
            f"{gpu.node} · {gpu.index}",
            gpu.name,
            _gigabytes(gpu.used_bytes),
            _gigabytes(gpu.free_bytes),
            "" if gpu.utilisation is None else f"{gpu.utilisation:.0%}",
            ", ".join([*gpu.models, *(f"{model} ({texts.states['asleep']})" for model in gpu.asleep)]),
        )
        for gpu in found
    ]
    return _table(texts.gpu_columns, rows)


def warnings(found: Iterable[str]) -> str:
    """Renders a list of warnings, if there are any."""
    rows = "".join(f"<li>{escape(warning)}</li>" for warning in found)
    return f'<ul class="warnings">{rows}</ul>' if rows else ""


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} s"


def _gigabytes(value: int) -> str:
    return f"{value / 1e9:.1f} GB"


def _quoted(text: str) -> str:
    return f'"{escape(text)}"'
