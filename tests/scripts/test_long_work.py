"""What the benchmarks of long work make, and how they measure it."""

from itertools import pairwise

import numpy as np
import pytest

from deployments.audio.encoder import encoded
from deployments.audio.subtitles import srt
from deployments.jobs.cover import Picture
from deployments.jobs.manuscript import read_file
from deployments.whisper.protocol import Segment
from scripts.bench.epub import epub, read_verses
from scripts.bench.subtitled import cues, heard

VERSES = "\n".join(f"Mark{chapter}:{verse} And he said & <did> it." for chapter in (1, 2, 3) for verse in range(1, 8))


def test_verses_become_a_book_with_chapters_a_cover_and_all_of_their_words() -> None:
    chapters = read_verses(VERSES, 200)
    assert [(title, len(paragraphs)) for title, paragraphs in chapters] == [("Mark 1", 2), ("Mark 2", 2)]
    book = read_file(epub("Gospel", "Mark", chapters), "gospel.epub")
    assert [chapter.title for chapter in book.chapters] == ["Mark 1", "Mark 2"]
    assert all(chapter.text.count("And he said & <did> it.") == 7 for chapter in book.chapters)
    assert (book.title, book.author) == ("Gospel", "Mark")
    assert book.cover
    assert Picture.of(book.cover)


def test_cues_are_the_same_for_a_seed_and_do_not_overlap() -> None:
    made = cues(50, 3)
    assert made == cues(50, 3)
    assert all(one.end < other.start for one, other in pairwise(made))
    assert len(read_file(srt(made).encode(), "film.srt").chapters[0].cues) == 50


def test_a_cue_that_is_late_and_one_that_does_not_end_in_its_slot_are_heard() -> None:
    wanted = [Segment("One.", 1, 2), Segment("Two.", 3, 4), Segment("Three.", 5, 6)]
    wav = np.zeros(8 * 16_000, np.float32)
    for start, end in ((1.04, 2.5), (3.3, 5.2)):
        wav[round(start * 16_000) : round(end * 16_000)] = 0.1
    late, ended = heard(encoded(wav, "wav", 16_000), wanted)
    assert late == pytest.approx([0.04, 0.3, -0.04], abs=0.021)
    assert ended == [True, False, True]
