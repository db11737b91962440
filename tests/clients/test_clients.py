"""Clients that others publish, unmodified, against the service on the embedded models."""

import pytest

from tests.clients.conftest import TEXT, Clients, is_understood

pytestmark = pytest.mark.slow


def test_openais_sdk_for_node_speaks_and_transcribes(clients: Clients) -> None:
    found = clients.run("openai_node.mjs")
    assert found["type"] == "audio/mpeg"
    assert is_understood(clients.hear("speech.mp3"))
    assert is_understood(found["text"])
    assert found["streamed"] == found["text"]
    assert (found["language"], found["words"]) == ("english", len(found["text"].split()))
    assert {"tts-1", "whisper-1", "nano"} <= set(found["models"])
    assert found["refused"] == {"kind": "NotFoundError", "param": "voice"}


def test_vercels_sdk_speaks_and_transcribes(clients: Clients) -> None:
    found = clients.run("vercel.mjs")
    assert (found["type"], found["warnings"]) == ("audio/mpeg", [])
    assert is_understood(clients.hear("speech.mp3"))
    assert is_understood(found["text"])
    assert found["language"] == "en"
    assert found["seconds"] > 0.5
    assert found["segments"] > 0


def test_livekits_plugin_speaks_from_events_and_from_audio_and_transcribes(clients: Clients) -> None:
    found = clients.run("livekit_agents.py")
    assert all(seconds > 0.5 for seconds in found["seconds"].values())
    assert is_understood(found["text"])
    assert is_understood(clients.hear("gpt-4o-mini-tts.wav"))


def test_pipecats_service_speaks(clients: Clients) -> None:
    found = clients.run("pipecat_pipeline.py")
    assert found["errors"] == []
    assert found["frames"] > 1
    assert is_understood(clients.hear("speech.wav"))


def test_elevenlabs_sdk_lists_voices_and_speaks_with_times(clients: Clients) -> None:
    found = clients.run("elevenlabs_sdk.py")
    assert all(is_understood(clients.hear(f"{name}.mp3")) for name in ("convert", "stream", "timed", "pieces"))
    assert found["voice"] == "alloy"
    assert "nova" in found["searched"]
    assert found["characters"] == found["streamed"] == TEXT
    for ends in (found["ends"], found["streamed_ends"]):
        assert sorted(ends) == ends
        assert ends[-1] > 0.5
    assert found["refused"] == 404


def test_wyoming_openai_speaks_and_transcribes(clients: Clients) -> None:
    found = clients.run("wyoming_client.py")
    assert any(name.startswith("nova") for name in found["voices"])
    assert is_understood(clients.hear("speech.wav"))
    assert is_understood(found["text"])
