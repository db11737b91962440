from pathlib import Path

from deployments.residency.page_cache import drop_from_page_cache


def test_all_files_below_a_folder_are_named_and_stay_whole(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.bin").write_bytes(b"x" * 10_000)
    (tmp_path / "deep" / "b.bin").write_bytes(b"y" * 5_000)
    assert drop_from_page_cache(tmp_path) == 15_000
    assert (tmp_path / "a.bin").read_bytes() == b"x" * 10_000
