"""The check of a GPU runs on a CPU, too, where the engine must agree with itself."""

import json
from pathlib import Path

from scripts import gpu_check


def test_the_check_finds_that_a_cpu_agrees_with_a_cpu(tmp_path: Path) -> None:
    file = tmp_path / "check.json"
    assert gpu_check.main(["--device", "cpu", "--sizes", "--seconds", "0.1", "--json", str(file)]) == 0
    report = json.loads(file.read_text())
    assert report["failures"] == []
    assert report["parity"]["same best code"] == 1
    assert report["churn"]["as alone"] == report["churn"]["whole"] == 14
    assert report["churn"]["left"] == 6
