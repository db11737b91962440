"""The texts of the page, in any language."""

from collections.abc import Mapping
from dataclasses import dataclass

from ui.book_texts import BookTexts


@dataclass(frozen=True, slots=True)
class Texts:
    """One language."""

    code: str
    name: str
    title: str
    about: str
    speak: str
    transcribe: str
    voices: str
    models: str
    help: str

    voice: str
    voice_info: str
    built_in: str
    clip: str
    clip_label: str
    notes: str
    heard: str
    """With `{seconds}`."""
    heard_nothing: str
    ref_text: str
    ref_text_info: str
    say: str
    target_text: str
    target_placeholder: str
    estimate: str
    """With `{seconds}` and `{parts}`."""
    counted: tuple[str, str]
    """One part, and several: with `{parts}`."""
    generate: str
    stop: str
    examples: str
    example_texts: tuple[str, ...]
    basic: str
    parameters: Mapping[str, tuple[str, str]]
    """Label and explanation of each parameter of speech."""
    advanced: str
    die: str
    stages: Mapping[str, str]
    waiting: str
    of: str
    """With `{part}` and `{parts}`."""
    stopped: str
    finishes: Mapping[str, str]
    done: str
    """With `{seconds}`, `{finish}` and `{seed}`."""
    nothing_yet: str
    times: str
    timings: Mapping[str, str]
    """By stage of Finished.timings."""
    download: str
    player: str
    progress: str
    captions: str
    seconds: str
    waveform: str
    history: str
    no_history: str
    gone: str

    audio: str
    language: str
    language_info: str
    automatic: str
    words: str
    text: str
    word_columns: tuple[str, str, str]
    recordings: str
    no_recordings: str
    """With `{minutes}`."""
    being_heard: str
    long_started: str
    """With `{title}`."""

    own_voices: str
    no_voices: str
    name_label: str
    consent: str
    consent_info: str
    save: str
    saved: str
    """With `{name}`, like the two below."""
    hear: str
    rename: str
    renamed: str
    delete: str
    deleted: str
    new_name: str
    add_voice: str
    export: str
    import_voice: str
    imported: str
    """With `{name}`."""
    chosen_voice: str

    pronunciations: str
    pronunciation: str
    no_pronunciations: str
    pronunciation_columns: tuple[str, ...]
    add_pronunciation: str
    term: str
    replacement: str
    replacement_info: str
    only_language: str
    only_voice: str
    case: str
    add: str
    added: str
    """With `{term}`."""
    removed: str

    model: str
    all_models: str
    load: str
    unload: str
    release: str
    idle_timeout: str
    set_timeout: str
    ordered: str
    model_columns: tuple[str, ...]
    gpu_columns: tuple[str, ...]
    no_gpu: str
    states: Mapping[str, str]

    books: BookTexts

    key_message: str
    failures: Mapping[str, str]
    """By an error's code; the service's own message follows."""
    something_wrong: str
    guide: str
