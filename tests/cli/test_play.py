"""`llasa-serve say` aloud: programs that stand for the players, with the service's real streams."""

import io
import sys
import wave
from pathlib import Path

import pytest

from cli.speech import PLAYERS
from tests.cli.test_commands import run

pytestmark = pytest.mark.usefixtures("url")
SAY = ("say", "Hello there.", "--ref-text", "A reference.", "--clip")


def aloud(*arguments: str | Path) -> int:
    """Runs a command at a terminal: what is captured is none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.stdout, "isatty", lambda: True)
        return run(*arguments)


class Players:
    """A folder of programs; nothing else is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(self, name: str, script: str = "/bin/cat > {played}\necho $@ > {arguments}") -> None:
        player = self.folder / name
        script = script.format(played=self.folder / f"{name}.played", arguments=self.folder / f"{name}.arguments")
        player.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        player.chmod(0o755)

    def played(self) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in self.folder.glob("*.played")}


@pytest.fixture
def players(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Players:
    players = Players(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(players.folder))
    return players


@pytest.mark.parametrize("first", [player[0] for player in PLAYERS])
def test_the_first_player_that_is_there_hears_all_of_it(
    first: str, players: Players, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [player[0] for player in PLAYERS]
    for name in names[names.index(first) :]:
        players.add(name)
    assert aloud(*SAY, reference) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "complete" in told.err
    ((player, file),) = players.played().items()
    assert player == first
    arguments = next(player[1:] for player in PLAYERS if player[0] == first)
    assert (players.folder / f"{first}.arguments").read_text().split() == list(arguments)
    with wave.open(io.BytesIO(file)) as opened:
        assert opened.getframerate() == 24_000
    assert len(file) > 5_000


def test_without_a_player_it_is_told_what_was_looked_for_and_what_to_do(
    players: Players, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aloud(*SAY, reference) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "llasa-serve: Nothing here plays wav (looked for ffplay, mpv, aplay): write it to a file with -o."


def test_a_player_is_not_given_what_it_does_not_know(
    players: Players, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    players.add("aplay")
    assert aloud(*SAY, reference, "--format", "mp3") == 3
    assert "Nothing here plays mp3 (looked for ffplay, mpv)" in capsys.readouterr().err
    players.add("ffplay")
    assert aloud(*SAY, reference, "--format", "pcm") == 3
    assert "No player knows the rate of pcm" in capsys.readouterr().err
    assert players.played() == {}


@pytest.mark.parametrize("script", ["exit 7", "/bin/cat > /dev/null\nexit 7"], ids=["at once", "at the end"])
def test_a_player_that_fails_is_told(
    script: str, players: Players, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    players.add("ffplay", script)
    assert aloud(*SAY, reference) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("llasa-serve: ffplay ")
    assert "write it to a file with -o" in error


def test_a_speech_that_fails_ends_its_player(
    players: Players, reference: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    players.add("ffplay")
    assert aloud("say", "Hello.", "--voice", "nobody") == 3
    assert "nobody" in capsys.readouterr().err
