"""The evaluation of normalisation on cases of others."""

import sys
from pathlib import Path

import pytest

from scripts import eval_text


def test_right_cases_are_counted_by_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    english, chinese = tmp_path / "en.tsv", tmp_path / "zh.tsv"
    english.write_text(
        "cardinal\t105\tOne hundred five\ntime\t10:05\tten zero five\ntime\t5pm\tsix PM\n", encoding="utf-8"
    )
    chinese.write_text("money\t5元\t五 元\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["eval_text", str(english), str(chinese), "--misses"])
    eval_text.main()
    assert capsys.readouterr().out.splitlines() == [
        "time\t5pm\tsix PM\tfive PM",
        "en\tcardinal\t1/1",
        "en\ttime\t1/2",
        "en\tall\t2/3\t66.7 %",
        "zh\tmoney\t1/1",
        "zh\tall\t1/1\t100.0 %",
    ]
