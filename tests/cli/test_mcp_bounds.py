"""What the stdio bridge does not read or write."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from deployments.service.service import SpeechService
from tests.support.bridge import bridge
from tests.support.serving import served
from tests.support.tools import (
    refused,
    told,
)


async def test_an_address_is_given_on_to_the_service_and_its_bounds(
    service: Callable[..., SpeechService], folder: Path, as_base64: dict[str, Any]
) -> None:
    data = f"data:audio/wav;base64,{as_base64['audio_base64']}"
    voice = {"name": "anna", "consent": "my own", "ref_text": "A reference."}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_speech", {"input": "Hello.", "ref_text": "A reference."}),
        ("transcribe_audio", {}),
        ("clone_voice", voice),
    ]
    with served(service(ref_audio_hosts="*")) as url:
        async with bridge(url, folder) as assistant:
            for tool, arguments in calls:
                done = await assistant.call_tool(tool, arguments | {"audio_url": data})
                assert not done.is_error, told(done)
                inside = await assistant.call_tool(tool, arguments | {"audio_url": "http://127.0.0.1/a.wav"})
                refused(inside, "private or local address")
                file = await assistant.call_tool(tool, arguments | {"audio_url": f"file://{folder}/reference.wav"})
                refused(file, "Only data, http and https URLs")


async def test_paths_that_lead_out_are_refused(url: str, folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes((folder / "reference.wav").read_bytes())
    (folder / "link.wav").symlink_to(secret)
    (folder / "out").symlink_to(tmp_path)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_speech", {"input": "Hello."}),
        ("transcribe_audio", {}),
        ("clone_voice", {"name": "anna", "consent": "my own"}),
    ]
    async with bridge(url, folder) as assistant:
        for path in (secret, folder / "link.wav", folder / ".." / "secret.wav", folder / "out" / "secret.wav"):
            for tool, arguments in calls:
                refused(await assistant.call_tool(tool, arguments | {"audio_path": str(path)}), "outside the folders")
        for path in (tmp_path / "new.wav", folder / "out" / "new.wav", folder / "link.wav"):
            arguments = {"input": "Hello.", "voice": "alloy", "output_path": str(path), "overwrite": True}
            refused(await assistant.call_tool("generate_speech", arguments), "outside the folders")
    assert not (tmp_path / "new.wav").exists()
    assert secret.read_bytes() == (folder / "reference.wav").read_bytes()


async def test_clips_beyond_the_limits_are_refused(
    service: Callable[..., SpeechService], folder: Path, by_path: dict[str, Any]
) -> None:
    (folder / "large.wav").write_bytes(bytes(200_000))
    with (folder / "huge.wav").open("wb") as huge:
        huge.truncate(50_000_001)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("generate_speech", {"input": "Hello."}),
        ("transcribe_audio", {}),
        ("clone_voice", {"name": "anna", "consent": "my own"}),
    ]
    with served(service(max_upload_mb=0.1)) as url:
        async with bridge(url, folder) as assistant:
            for tool, arguments in calls:  # of the service, then of the bridge itself
                for large in ({"audio_path": str(folder / "large.wav")}, {"audio_base64": "A" * 200_000}):
                    result = await assistant.call_tool(tool, arguments | large)
                    # The service does not wait for what it refuses, so that its answer may be lost.
                    refused(result, "0.1 MB" if "0.1 MB" in told(result) else "MAX_UPLOAD_MB")
                huge_file = await assistant.call_tool(tool, arguments | {"audio_path": str(folder / "huge.wav")})
                refused(huge_file, "more than the 50 MB")
            huge_text = await assistant.call_tool("transcribe_audio", {"audio_base64": "A" * 70_000_000})
            refused(huge_text, "more than the 50 MB")
            working = await assistant.call_tool("generate_speech", {"input": "Hello.", **by_path})
            assert not working.is_error, told(working)
