import pytest

from scripts.bench import quality


@pytest.mark.slow
def test_the_report_has_a_row_for_each_kind_of_care(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--texts", "short", "plain", "--seeds", "1", "--voices", "2", "--policies", "one take", "best of 4"]
    assert quality.main(arguments) == 0
    header, _, one, best = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    columns = [name.strip() for name in header.strip("|").split("|")]
    rows = [
        dict(zip(columns, (cell.strip() for cell in row.strip("|").split("|")), strict=True)) for row in (one, best)
    ]
    assert [row["care"] for row in rows] == ["one take", "best of 4"]
    assert [row["speeches"] for row in rows] == ["4", "4"]
    assert rows[0]["takes"] == "4"
    assert int(rows[1]["takes"]) >= 16
    assert float(rows[1]["s made/s"]) > float(rows[0]["s made/s"])
