"""Files of allowed folders."""

from pathlib import Path

import pytest

from deployments.errors import Conflict, InputTooLarge, InvalidInput
from deployments.mcp.files import AllowedFolders


@pytest.fixture
def inside(tmp_path: Path) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


@pytest.fixture
def files(inside: Path) -> AllowedFolders:
    return AllowedFolders([inside])


def test_files_below_a_folder_are_read_and_written(files: AllowedFolders, inside: Path) -> None:
    (inside / "deep").mkdir()
    path = files.write(str(inside / "deep" / "a.wav"), b"one", overwrite=False, param="p")
    assert path.read_bytes() == files.read(str(path), 1_000, "p") == b"one"


def test_a_file_is_replaced_only_if_that_is_said(files: AllowedFolders, inside: Path) -> None:
    path = str(inside / "a.wav")
    files.write(path, b"one", overwrite=False, param="p")
    for attempt in (
        lambda: files.write(path, b"two", overwrite=False, param="p"),
        lambda: files.check_writable(path, overwrite=False, param="p"),
    ):
        with pytest.raises(Conflict, match="overwrite"):
            attempt()
    assert files.read(path, 1_000, "p") == b"one"
    files.write(path, b"two", overwrite=True, param="p")
    assert files.read(path, 1_000, "p") == b"two"


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "link", "a\0b", "x" * 5_000, "~nobody-at-all/x"])
def test_paths_that_lead_elsewhere_are_refused(files: AllowedFolders, inside: Path, path: str) -> None:
    (inside.parent / "outside").write_bytes(b"secret")
    (inside / "link").symlink_to(inside.parent / "outside")
    whole = path if path.startswith(("/", "~")) else f"{inside}/{path}"
    with pytest.raises(InvalidInput):
        files.read(whole, 1_000, "p")
    with pytest.raises(InvalidInput):
        files.write(whole, b"", overwrite=True, param="p")
    assert (inside.parent / "outside").read_bytes() == b"secret"


def test_a_folder_whose_name_only_begins_alike_is_another(files: AllowedFolders, inside: Path) -> None:
    other = inside.with_name("inside-not")
    other.mkdir()
    with pytest.raises(InvalidInput, match="outside the folders"):
        files.write(str(other / "a.wav"), b"", overwrite=False, param="p")


def test_what_is_no_file_is_told(files: AllowedFolders, inside: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no file"):
        files.read(str(inside / "missing.wav"), 1_000, "p")
    with pytest.raises(InvalidInput, match="There is no file"):
        files.read(str(inside), 1_000, "p")
    with pytest.raises(InvalidInput, match="There is no folder"):
        files.check_writable(str(inside / "missing" / "a.wav"), overwrite=False, param="p")


def test_a_file_that_is_too_large_is_not_read(files: AllowedFolders, inside: Path) -> None:
    (inside / "a.wav").write_bytes(bytes(1_001))
    with pytest.raises(InputTooLarge, match="MB"):
        files.read(str(inside / "a.wav"), 1_000, "p")


def test_without_folders_nothing_is_allowed(inside: Path) -> None:
    with pytest.raises(InvalidInput, match="allowed: none"):
        AllowedFolders([]).read(str(inside / "a.wav"), 1_000, "p")
