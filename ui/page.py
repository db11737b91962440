"""Builds the page in one language."""

from typing import Final

import gradio as gr

from deployments.profiles import Profile
from deployments.service.job_desk import LocalJobs
from deployments.settings import Settings
from ui.backend import Backend
from ui.job_links import JobLinks
from ui.jobs import jobs_tab
from ui.languages import LANGUAGES
from ui.models import models_tab
from ui.pronunciations import pronunciations_tab
from ui.recording import Recordings
from ui.speak import speak_tab
from ui.state import state_line
from ui.texts import Texts
from ui.transcribe import transcribe_tab
from ui.voices import voices_tab

_HOUR: Final = 3600


def build_page(
    texts: Texts, backend: Backend, recordings: Recordings, links: JobLinks, settings: Settings, profile: Profile
) -> gr.Blocks:
    """Builds all tabs.

    Args:
        texts: The language.
        backend: The service.
        recordings: Recordings of all visitors.
        links: Makes links to files of jobs.
        settings: The service's settings.
        profile: The service's profile.
    """
    # Gradio's own files, such as uploads, are deleted after an hour.
    with gr.Blocks(title=texts.title, analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as page:
        gr.HTML(_heading(texts))
        state_line(page, texts, backend)
        with gr.Tabs():
            with gr.Tab(texts.speak, id="speak") as speak:
                speaking = speak_tab(texts, backend, recordings, settings, profile)
            with gr.Tab(texts.books.tab, id="audiobooks") as audiobooks:
                desk = LocalJobs(backend, backend.jobs, settings)
                jobs_clock, reading = jobs_tab(audiobooks, texts, backend, desk, links, recordings, settings, profile)
            with gr.Tab(texts.transcribe, id="transcribe") as transcribe:
                recordings_clock = transcribe_tab(transcribe, texts, backend, desk, links)
            with gr.Tab(texts.voices, id="voices") as voices:
                voices_tab(page, texts, backend, speaking, reading)
            with gr.Tab(texts.pronunciations, id="pronunciations") as pronunciations:
                pronunciations_tab(pronunciations, texts, backend)
            with gr.Tab(texts.models, id="models") as models:
                clock = models_tab(models, texts, backend, settings)
            with gr.Tab(texts.help, id="help") as guide:
                gr.Markdown(texts.guide)
        tabs = (speak, audiobooks, transcribe, voices, pronunciations, models, guide)
        for own, timer in ((audiobooks, jobs_clock), (transcribe, recordings_clock), (models, clock)):
            for other in tabs:
                if other is not own:
                    other.select(lambda: gr.Timer(active=False), None, timer, api_visibility="private", queue=False)
    page.queue(default_concurrency_limit=None)
    # As launch() does. Gradio 6.31 omits it for a mounted page, and then takes any path here for an upload.
    page.has_launched = True
    return page


def _heading(texts: Texts) -> str:
    links = " · ".join(
        f'<span aria-current="true">{language.name}</span>'
        if language is texts
        else f'<a href="../{language.code}/" lang="{language.code}" hreflang="{language.code}">{language.name}</a>'
        for language in LANGUAGES
    )
    return (
        f'<header class="heading"><h1>{texts.title}</h1><p>{texts.about}</p>'
        f'<nav aria-label="Language">{links}</nav></header>'
    )
