"""The site of docs/ is built strictly, and loads nothing from other hosts."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.documents import DOCS, ROOT

pytestmark = pytest.mark.skipif(
    not (find_spec("mkdocs") and find_spec("material")), reason="mkdocs-material is not installed."
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # A proxy that does not exist: a download would fail the build.
    nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | nowhere | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    for page in DOCS.rglob("*.md"):
        path = page.relative_to(DOCS).with_suffix("")
        folder = path.parent if path.name == "index" else path
        assert (site / folder / "index.html").is_file(), page
    for name in ("benchmarks", "capacity", "nano", "training", "contributing", "changelog", "security"):
        assert (site / "more" / name / "index.html").is_file()


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for file in [*site.rglob("*.html"), *site.rglob("*.css")]:
        text = file.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|img|iframe)[^>]+src=\"(?:https?:)?//", text), file
        assert not re.findall(r"<link[^>]+rel=\"(?:stylesheet|preconnect)\"[^>]+href=\"(?:https?:)?//", text), file
        assert not re.findall(r"<link[^>]+href=\"(?:https?:)?//[^>]+rel=\"(?:stylesheet|preconnect)", text), file
        assert not re.findall(r"url\(\"?(?:https?:)?//", text), file


def test_links_between_pages_lead_to_files(site: Path) -> None:
    for file in site.rglob("index.html"):
        for link in re.findall(r"<(?:a|img)[^>]+(?:href|src)=\"([^\":#]+)(?:#[^\"]*)?\"", file.read_text("utf-8")):
            target = site / link.lstrip("/") if link.startswith("/") else file.parent / link
            assert target.exists(), f"{file.relative_to(site)}: {link}"
