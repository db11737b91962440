"""The engine benchmark runs without Ray or a download, and its figures agree with one another."""

import json
from pathlib import Path

import pytest

from scripts.bench import engine
from scripts.bench.floor import Floor
from scripts.bench.sizes import SIZES


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, Path]:
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    arguments = ["--device", "cpu", "--size", "tiny", "--codes", "40", "--concurrency", "1", "2"]
    return engine.main([*arguments, "--serial-takes", "1", "--bandwidth", "10", "--json", str(file)]), file


def test_the_engine_benchmark_measures_each_concurrency_against_serial_generate(run: tuple[int, Path]) -> None:
    code, file = run
    report = json.loads(file.read_text())

    assert code == 0
    assert [(row["system"], row["concurrency"]) for row in report["rows"]] == [
        ("generate", 1),
        ("engine", 1),
        ("engine", 2),
    ]
    assert [row["audio"] for row in report["rows"]] == pytest.approx([0.8, 0.8, 1.6])
    assert report["engine_path"].startswith("eager steps on cpu")
    assert report["bandwidth"] == 10e9


def test_the_ratios_of_a_row_follow_from_its_other_columns(run: tuple[int, Path]) -> None:
    serial, *rows = json.loads(run[1].read_text())["rows"]

    assert serial["times_serial"] == 1
    for row in [serial, *rows]:
        assert row["audio_rate"] == pytest.approx(row["audio"] / row["wall"])
        assert row["times_serial"] == pytest.approx(row["audio_rate"] / serial["audio_rate"])
        assert row["of_floor"] == pytest.approx(row["audio_rate"] / row["floor_rate"])
        assert 0 < row["first_audio_p50"] <= row["first_audio_p95"] <= row["wall"]
        assert row["rtf"] * row["audio"] / row["takes"] <= row["wall"]


def test_the_floor_counts_what_an_8b_model_reads_in_a_step() -> None:
    floor = Floor.of(SIZES["8b"], 2, 4.8e12)

    assert floor.weights == pytest.approx(14.5e9, rel=0.01)  # 8.03e9 less two tables of Llama's, plus the codes' head
    assert floor.kv_token == 2 * 2 * 32 * 8 * 128
    assert floor.audio_rate(1, 0) == pytest.approx(4.8e12 / floor.weights / 50)
    assert floor.audio_rate(64, 700) < 64 * floor.audio_rate(1, 700)
