"""`llasa-serve batch`: speaks books on all replicas of a Ray cluster, or of this machine."""

import argparse
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from cli.batch.review import Review
from cli.options import add_speech_options, speech_params
from cli.settings import read_settings
from deployments.errors import InvalidInput
from deployments.jobs.formats import BookFormat, CaptionFormat
from deployments.jobs.manuscript import read_file
from deployments.jobs.order import JobOrder
from deployments.jobs.plan import Part, split
from deployments.jobs.records import Book
from deployments.jobs.speaker import PartOrder
from deployments.jobs.store import PartStore
from deployments.jobs.timing import fitted
from deployments.placement.profile_choice import choose_profile
from deployments.profiles import Profile
from deployments.service.parameters import NOT_OF_JOBS
from deployments.settings import Settings

DESCRIPTION: Final = """\
Speaks books with all models of a Ray cluster, or of this machine, without a service. Parts are kept in OUTPUT/parts: if
it is interrupted, the same command goes on, and a changed sentence costs one part.

  llasa-serve batch tales.epub notes.md --output books --voice alloy
  RAY_ADDRESS=auto PROFILE=llasa-8b llasa-serve batch *.epub --output /data/books --replicas 8
"""
_OWNER: Final = "batch"


@dataclass(frozen=True, slots=True)
class _Order:
    document: Path
    order: JobOrder
    parts: tuple[Part, ...]


def add_batch_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("documents", nargs="+", type=Path, metavar="FILE", help="as for `book`")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="seen by all nodes")
    parser.add_argument("--replicas", type=int, default=1, help="replicas of the models (default: 1)")
    parser.add_argument("--format", dest="file_format", choices=get_args(BookFormat), default="m4b")
    parser.add_argument("--captions", choices=get_args(CaptionFormat), help="also write captions")
    add_speech_options(parser, NOT_OF_JOBS)


def run_batch(given: argparse.Namespace) -> int:
    """Speaks the books; returns 1 if a part could not be spoken."""
    import ray

    from cli.batch.pipeline import speak

    if len({path.stem for path in given.documents}) < len(given.documents):
        raise InvalidInput("Two documents have the same name: their files would, too.")
    settings = read_settings()
    if not ray.is_initialized():
        alone: dict[str, Any] = {"address": "local", "include_dashboard": False}
        where = {} if os.environ.get("RAY_ADDRESS") else alone
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    profile = choose_profile(settings.profile, ray.cluster_resources().get("GPU", 0), settings)
    orders = _orders(given, profile, settings)
    wanted = {
        part.key: PartOrder(part.text, _voice(each.order, part), each.order.params, part.seed, part.speed)
        for each in orders
        for part in each.parts
    }
    store = PartStore((given.output / "parts").resolve())
    began, errors, done = time.monotonic(), dict[str, str](), 0
    for key, error in speak(wanted, store.folder, profile, settings, given.replicas):
        done += 1
        if error:
            errors[key] = error
            _print(f"A part cannot be spoken: {error} {wanted[key].text[:60]!r}")
        if done % profile.takes == 0:
            _print(f"{done} parts spoken, {time.monotonic() - began:.0f} s")
    _print(f"{done} parts spoken in {time.monotonic() - began:.1f} s; {len(wanted) - done} were there already.")
    whole = [each for each in orders if not any(part.key in errors for part in each.parts)]
    reviews = [Review(each.parts, wanted, store) for each in whole]
    while again := {key: order for review in reviews for key, order in review.retakes() if key not in errors}:
        _print(f"{len(again)} parts differ from the rest of their voice, and are spoken again.")
        # One that cannot be spoken is not tried again: the book keeps an earlier take.
        errors |= {key: error for key, error in speak(again, store.folder, profile, settings, given.replicas) if error}
    for each, review in zip(whole, reviews, strict=True):
        _write(each, review, store, given)
    return int(len(whole) < len(orders))


def _orders(given: argparse.Namespace, profile: Profile, settings: Settings) -> list[_Order]:
    """Makes orders where the models are: a voice may have to be prepared."""
    import ray

    from cli.batch.pipeline import resources
    from cli.batch.studio import Studio

    params = speech_params(given, input="")
    clip = given.clip.read_bytes() if given.clip else None
    studio: Any = ray.remote(**resources(profile))(Studio).remote(profile, settings)
    orders = []
    for document in given.documents:
        manuscript = read_file(document.read_bytes(), document.name)
        order = ray.get(studio.order.remote(params, manuscript, clip, given.file_format))
        orders.append(_Order(document, order, tuple(split(_OWNER, order))))
    ray.kill(studio)
    return orders


def _voice(order: JobOrder, part: Part) -> Any:
    return order.cast.get(part.voice or "", order.reference)


def _write(spoken: _Order, review: Review, store: PartStore, given: argparse.Namespace) -> None:
    from deployments.jobs.rendering import render

    order = spoken.order
    titles = tuple(chapter.title for chapter in order.chapters if chapter.script.has_words)
    book = Book(order.title, order.author, order.cover, titles, order.response_format, order.sample_rate)
    placed = [(part, store.path(part.key)) for part in fitted([*review.recorded()])]
    for format in (order.response_format, *([given.captions] if given.captions else [])):
        path = given.output / f"{spoken.document.stem}.{format}"
        render(path, format, book, placed)
        _print(str(path))


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
