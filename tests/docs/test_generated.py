"""Tables and drawings that are generated from the code are up to date."""

import re
from pathlib import Path

import pytest

from deployments.nano.weights import version
from scripts import architecture, reference, samples
from tests.support.documents import ROOT


@pytest.mark.parametrize("page", reference.pages(), ids=lambda page: page.name)
def test_a_reference_page_is_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == reference.render(page), "Run python -m scripts.reference."


def test_every_region_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in reference.pages())
    assert set(re.findall(r"<!-- generated: (\w+) -->", text)) == set(reference.REGIONS)


def test_the_example_of_settings_is_up_to_date() -> None:
    assert reference.EXAMPLE.read_text(encoding="utf-8") == reference.example(), "Run python -m scripts.reference."


def test_the_asyncapi_document_is_up_to_date() -> None:
    assert reference.DOCUMENT.read_text(encoding="utf-8") == reference.document(), "Run python -m scripts.reference."


def test_the_drawing_is_up_to_date() -> None:
    assert architecture.FILE.read_text(encoding="utf-8") == architecture.drawing(), (
        "Run python -m scripts.architecture."
    )


def test_the_drawing_has_every_package() -> None:
    drawn = set(re.findall(r'font-size="14"[^>]*>([^<]+)<', architecture.FILE.read_text(encoding="utf-8")))
    packages = {path.parent.name for path in (ROOT / "deployments").glob("*/__init__.py")}
    assert drawn == packages | {"app", "cli", "ui"}


def test_imports_that_follow_from_others_are_not_drawn() -> None:
    graph = {"a": {"b", "c"}, "b": {"c"}, "c": set[str]()}
    assert architecture.reduced(graph) == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert architecture.layers(graph) == [["a"], ["b"], ["c"]]


def test_packages_of_a_cycle_share_a_row() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set[str]()}
    assert architecture.reduced(graph) == graph
    assert architecture.layers(graph) == [["a"], ["b", "c"], ["d"]]


def test_the_samples_are_of_what_ships() -> None:
    page = (ROOT / samples.SAMPLES / "index.md").read_text(encoding="utf-8")
    files = {path.name: path.stat().st_size for path in (ROOT / samples.SAMPLES).glob("*.mp3")}
    assert version("llasa") in page, "Run python -m scripts.samples."
    assert version("xcodec2") in page, "Run python -m scripts.samples."
    assert set(re.findall(r'src="([^"]+)"', page)) == set(files)
    assert sum(files.values()) < 300_000
