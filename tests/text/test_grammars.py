import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from deployments.text.grammars import _grammar, read, simplified


@pytest.mark.parametrize(
    ("text", "language"),
    [("₹1,000", "en"), ("$1,234.50", "en"), ('say "5"', "en"), ("5\\6", "zh"), ("B2B", "zh"), ("5" * 300, "zh")],
)
def test_a_reading_that_fails_or_has_another_value_is_refused(text: str, language: str) -> None:
    assert read(text, language) is None  # type: ignore[arg-type]


def test_a_reading_with_the_right_value_is_taken() -> None:
    assert read("5 sq ft", "en") == "five square feet"
    assert read("五楼301室", "zh") == "五楼三百零一室"


def test_threads_read_alike() -> None:
    texts = [f"{number} km/h" for number in range(200)]
    alone = [read(text, "en") for text in texts]
    _grammar.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: read(text, "en"), texts)) == alone


def test_traditional_characters_become_simplified() -> None:
    assert simplified("這裡沒有臺灣的頭髮 A5") == "这里没有台湾的头发 A5"


def test_the_grammars_are_loaded_when_they_are_needed() -> None:
    code = "import sys, deployments.text.normalisation, deployments.text.wer; print('wetext' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "False"
