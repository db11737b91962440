"""EPUBs, also hostile ones."""

import struct
import tracemalloc
from pathlib import Path

import pytest

from deployments.errors import InvalidInput, ServiceError
from deployments.jobs.manuscript import read_file
from tests.support.epubs import CONTAINER, ONE, PAGE, TWO, archive, book
from tests.support.pictures import PNG


def test_a_book_is_read_with_its_chapters_title_author_and_cover() -> None:
    found = read_file(book({"1.xhtml": ONE, "2.xhtml": TWO}, PNG), "tales.epub")
    assert [(chapter.title, chapter.text) for chapter in found.chapters] == [
        ("The Fox", "The Fox\n\nA fox ran."),
        ("The Dog", "The Dog\n\nA dog\nslept. Deeply."),
    ]
    assert (found.title, found.author, found.cover) == ("Two Tales", "A. Writer", PNG)


def test_a_page_without_a_heading_belongs_to_the_chapter_before_it() -> None:
    [chapter] = read_file(book({"1.xhtml": ONE, "2.xhtml": "<p>It went on.</p>"}), "tales.epub").chapters
    assert chapter.text.endswith("A fox ran.\n\nIt went on.")


def test_references_out_of_the_archive_and_to_other_hosts_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "secret.xhtml").write_text(PAGE.format(body="<p>secret</p>"))
    hostile = [
        "../../../../etc/passwd",
        f"file://{tmp_path}/secret.xhtml",
        "http://127.0.0.1:9/x",
        "//host/share",
        "/etc/passwd",
    ]
    found = read_file(book({"1.xhtml": ONE} | dict.fromkeys(hostile, "")), "tales.epub")
    assert [chapter.text for chapter in found.chapters] == ["The Fox\n\nA fox ran."]


def test_names_that_lead_out_of_a_folder_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = read_file(book({"1.xhtml": ONE}, more={"../../escaped": b"x", "/escaped": b"x"}), "tales.epub")
    assert len(found.chapters) == 1
    assert not list(tmp_path.iterdir())


LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "lol">{LAUGHS}]><container>&a9;</container>'
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><container>&e;</container>'
ZIP_BOMB = {f"{n}.xhtml": "<p>" + "a" * 9_000_000 for n in range(12)}
HOSTILE = {
    "entities that expand": archive({"META-INF/container.xml": BOMB}),
    "an external entity": archive({"META-INF/container.xml": EXTERNAL}),
    "one page that unpacks to too much": book({"1.xhtml": "<p>" + "a " * 20_000_000}),
    "pages that unpack to too much together": book(ZIP_BOMB),
    "unclosed comments": book({"1.xhtml": "<!--" * 500_000}),
    "no container": archive({}),
    "no package": archive({"META-INF/container.xml": CONTAINER}),
    "broken markup of the package": archive({"META-INF/container.xml": CONTAINER, "OPS/book.opf": "<package>"}),
    "no archive": b"PK\x03\x04 nothing",
    "nothing": b"",
    "no text": book({"1.xhtml": "<p> </p>"}),
    "an encrypted page": book(
        {"1.xhtml": ONE},
        more={"META-INF/encryption.xml": '<encryption><CipherReference URI="OPS/1.xhtml"/></encryption>'},
    ),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_and_damaged_books_are_refused_in_little_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ServiceError) as refusal:
            read_file(data, "tales.epub")
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()
    assert refusal.value.status == 400


def test_a_size_that_the_directory_lies_about_is_refused() -> None:
    data = bytearray(book({"1.xhtml": "<p>" + "a" * 100_000}))
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"OPS/1.xhtml"))
    struct.pack_into("<I", data, entry + 24, 10)
    with pytest.raises(InvalidInput):
        read_file(bytes(data), "tales.epub")


def test_an_archive_cut_short_anywhere_is_an_error_of_the_client() -> None:
    whole = book({"1.xhtml": ONE})
    for length in range(0, len(whole), 37):
        with pytest.raises(InvalidInput):
            read_file(whole[:length], "tales.epub")


def test_an_entry_in_an_unknown_compression_is_an_error_of_the_client() -> None:
    data = bytearray(book({"1.xhtml": ONE}))
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(b"OPS/1.xhtml"))
    local = data.rindex(b"PK\x03\x04", 0, data.index(b"OPS/1.xhtml"))
    struct.pack_into("<H", data, entry + 10, 97)
    struct.pack_into("<H", data, local + 8, 97)
    with pytest.raises(InvalidInput):
        read_file(bytes(data), "tales.epub")
