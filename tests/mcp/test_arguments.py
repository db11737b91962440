"""Clips that tools are given."""

import base64
from pathlib import Path

import pytest

from deployments.errors import InputTooLarge, InvalidInput
from deployments.mcp.arguments import Clips
from deployments.mcp.files import AllowedFolders
from deployments.service.backend import Clip


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


async def test_a_clip_comes_as_base64_by_address_or_by_path(tmp_path: Path) -> None:
    clips = Clips(1_000, AllowedFolders([tmp_path]))
    (tmp_path / "a.wav").write_bytes(b"a clip")
    assert await clips.any(encoded(1_000), None, None) == Clip(bytes(1_000))
    assert await clips.any(None, "https://a.example", None) == Clip(url="https://a.example")
    assert await clips.any(None, None, str(tmp_path / "a.wav")) == Clip(b"a clip")
    assert await clips.any(None, None, None) is None


async def test_base64_may_be_wrapped_and_its_padding_missing() -> None:
    assert await Clips(1_000, None).any("YSBj\r\nbGlwcw\n", None, None) == Clip(b"a clips")


@pytest.mark.parametrize("size", [1_001, 100_000])
async def test_base64_of_more_than_a_clip_may_have_is_refused(size: int) -> None:
    with pytest.raises(InputTooLarge, match="MB"):
        await Clips(1_000, None).any(encoded(size), None, None)


async def test_a_file_of_more_than_a_clip_may_have_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(bytes(1_001))
    with pytest.raises(InputTooLarge, match="MB"):
        await Clips(1_000, AllowedFolders([tmp_path])).one(None, None, str(tmp_path / "a.wav"))


async def test_two_clips_are_too_many_and_none_is_told_where_one_is_needed() -> None:
    clips = Clips(1_000, None)
    with pytest.raises(InvalidInput, match="Give one clip"):
        await clips.any("AAAA", "https://a.example", None)
    with pytest.raises(InvalidInput, match="Give a clip"):
        await clips.one(None, None, None)


@pytest.mark.parametrize("data", ["not base64!", "AAAAA", "é", "\ud800"])
async def test_what_is_not_base64_is_refused(data: str) -> None:
    with pytest.raises(InvalidInput, match="not valid base64"):
        await Clips(1_000, None).any(data, None, None)


async def test_without_folders_a_path_is_refused() -> None:
    with pytest.raises(InvalidInput, match="over stdio only"):
        await Clips(1_000, None).any(None, None, "/etc/passwd")
