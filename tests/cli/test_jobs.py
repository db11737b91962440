"""`llasa-serve book` and `jobs`, against a service on scripted models."""

import json
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import av
import pytest

from cli.__main__ import main
from deployments.audio.decoder import Decoder
from tests.support.clips import voice, wav_file
from tests.support.ear import Ear, hearing
from tests.support.epubs import ONE, TWO, book
from tests.support.noted import noted_service
from tests.support.pictures import PNG
from tests.support.served import served
from tests.support.serving import application_with_jobs


@pytest.fixture
def jobs_url(decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    service = hearing(noted_service(decoder, tmp_path), Ear())
    with served(application_with_jobs(service, tmp_path / "jobs")) as url:
        monkeypatch.setenv("LLASA_URL", url)
        yield url


MORE = ("--loudness", "-20", "--captions", "srt")


@pytest.mark.usefixtures("jobs_url")
def test_an_epub_becomes_an_m4b_with_chapters_and_a_cover_by_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tales.epub").write_bytes(book({"1.xhtml": ONE, "2.xhtml": TWO}, PNG))
    output = tmp_path / "tales.m4b"
    assert main(["book", str(tmp_path / "tales.epub"), "-o", str(output), "--author", "Me", "--keep-job", *MORE]) == 0
    with av.open(str(output)) as file:
        assert [chapter["metadata"]["title"] for chapter in file.chapters()] == ["The Fox", "The Dog"]
        assert (file.metadata["title"], file.metadata["artist"]) == ("Two Tales", "Me")
        assert len(file.streams.video) == 1
    shown = capsys.readouterr().err
    assert "100%" in shown
    assert "Loudness -19" in shown or "Loudness -20" in shown
    assert "A fox ran." in (tmp_path / "tales.srt").read_text()
    assert not output.with_name("tales.m4b.part").exists()

    assert main(["jobs"]) == 0
    listed = capsys.readouterr().out
    assert "Two Tales" in listed
    id = listed.split()[0]
    again = tmp_path / "again.m4b"
    assert main(["jobs", "get", id, "-o", str(again)]) == 0
    assert again.read_bytes() == output.read_bytes()
    assert main(["jobs", "get", id, "-o", str(tmp_path / "tales.zip")]) == 0
    with ZipFile(tmp_path / "tales.zip") as archive:
        assert "01 The Fox.mp3" in archive.namelist()
    assert main(["jobs", "pause", id]) == 3
    assert "The job is done" in capsys.readouterr().err
    assert main(["jobs", "delete", id]) == 0
    capsys.readouterr()
    assert main(["jobs"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("jobs_url")
def test_a_book_leaves_no_job_unless_it_shall(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "story.txt").write_text("The fox ran.")
    assert main(["book", str(tmp_path / "story.txt"), "-o", str(tmp_path / "story.mp3"), "--speed", "2"]) == 0
    capsys.readouterr()
    assert main(["jobs"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("jobs_url")
def test_chapters_are_listed_and_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document, output = str(tmp_path / "tales.epub"), str(tmp_path / "tales.m4b")
    (tmp_path / "tales.epub").write_bytes(book({"1.xhtml": ONE, "2.xhtml": TWO}, PNG))
    assert main(["book", document, "--list"]) == 0
    listed = capsys.readouterr()
    assert [line.split(maxsplit=2)[::2] for line in listed.out.splitlines()] == [["1", "The Fox"], ["2", "The Dog"]]
    assert "Two Tales by A. Writer: about 0:00:" in listed.err
    assert main(["book", document, "-o", output, "--chapters", "2"]) == 0
    with av.open(output) as file:
        assert [chapter["metadata"]["title"] for chapter in file.chapters()] == ["The Dog"]
    for choice, message in (("3", "There is no chapter 3"), ("one", "such as 1,3-5"), ("", "such as 1,3-5")):
        assert main(["book", document, "-o", output, "--chapters", choice]) == 3
        assert message in capsys.readouterr().err


@pytest.mark.usefixtures("jobs_url")
def test_a_long_recording_is_transcribed_in_the_background(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording, subtitles = tmp_path / "talk.wav", tmp_path / "talk.srt"
    recording.write_bytes(wav_file(voice(90)))
    assert main(["transcribe", str(recording), "--long"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "Good morning. The train. Good morning. The train.\n"
    assert "100%  2/2" in shown.err
    assert main(["transcribe", str(recording), "-o", str(subtitles), "--keep-job"]) == 0
    assert "00:00:05,400 --> " in subtitles.read_text()
    capsys.readouterr()
    assert main(["jobs"]) == 0
    id, _, _, title = capsys.readouterr().out.split()  # that of the first command is deleted
    assert title == "talk.wav"
    assert main(["jobs", "get", id, "-o", str(tmp_path / "talk.json")]) == 0
    assert json.loads((tmp_path / "talk.json").read_text())["duration"] == pytest.approx(10.8)
    for output, message in (("talk.mp3", "use one of txt, srt, vtt, json"), ("nowhere/talk.srt", "no folder")):
        assert main(["transcribe", str(recording), "-o", str(tmp_path / output)]) == 3
        assert message in capsys.readouterr().err
    assert main(["jobs", "get", id, "-o", str(tmp_path / "talk.mp3")]) == 3


@pytest.mark.parametrize(
    ("document", "output", "message"),
    [
        ("story.txt", "story.doc", "no format that is known"),
        ("missing.txt", "story.mp3", "cannot be read"),
        ("story.txt", "nowhere/story.mp3", "no folder"),
        ("story.rtf", "story.mp3", "must end in one of"),
    ],
)
@pytest.mark.usefixtures("jobs_url")
def test_what_cannot_be_done_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: str, output: str, message: str
) -> None:
    for name in ("story.txt", "story.rtf"):
        (tmp_path / name).write_text("The fox ran.")
    assert main(["book", str(tmp_path / document), "-o", str(tmp_path / output)]) == 3
    assert message in capsys.readouterr().err
