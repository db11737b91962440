"""The check of a GPU runs on a CPU, too, where the engine must agree with itself."""

import json
from pathlib import Path

import pytest
import torch

from cli.__main__ import main


def test_the_check_finds_that_a_cpu_agrees_with_a_cpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "check.json"
    options = ["--device", "cpu", "--seconds", "0.1", "--codes", "20", "--weights", "int8", "fp8", "--json", str(file)]
    assert main(["gpu-check", *options]) == 0
    assert capsys.readouterr().out.endswith("\n\nPassed.\n")
    report = json.loads(file.read_text())
    assert report["parity"]["int8"]["same_code"] > 0.9
    assert 0 < report["parity"]["int8"]["mean_error"] < 0.1 * report["parity"]["int8"]["spread"]
    assert "LLASA_WEIGHTS=fp8 needs a GPU" in report["refused"][0]
    assert report["codec"]["same_codes"] == 1
    assert report["codec"]["decibels"] > 100
    assert report["churn"]["as_alone"] == report["churn"]["whole"] == 14
    assert report["churn"]["left"] == 6
    (result,) = report["sizes"]
    assert (result["size"], result["weights"], result["failure"]) == ("tiny", "int8", None)
    assert [row["at once"] for row in result["figures"]["speed"]] == [1, 8, 16]
    assert [*result["figures"]["wake"]] == ["process", "imports", "CUDA", "weights", "graphs", "first codes"]
    assert [*result["figures"]["sleeps"]] == [
        f"{number} {stage}" for number in ("first", "second") for stage in ("host copy", "sleep", "wake", "first codes")
    ]
    assert result["offload"] > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_the_check_passes_on_a_gpu(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "check.json"
    assert main(["gpu-check", "--seconds", "20", "--sizes", "1b", "--json", str(file)]) == 0, capsys.readouterr().out
    report = json.loads(file.read_text())
    assert report["parity"]["auto"]["same_code"] > 0.9
    assert report["churn"]["as_alone"] <= report["churn"]["whole"] > 0
    for result in report["sizes"]:
        assert 0 < result["figures"]["used"] <= result["planned"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_machine_without_a_gpu_is_refused_with_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gpu-check"]) == 1
    assert "There is no usable CUDA GPU for torch" in capsys.readouterr().err
