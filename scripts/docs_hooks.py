"""Hooks of mkdocs: the READMEs of other folders become pages, and links to them lead there.

Links in docs/ are relative, as for readers of the source tree. On the site, a link to a file that is not part of it
becomes the file's path.
"""

import posixpath
import re
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = {
    "README.md": "index.md",
    "scripts/bench/README.md": "more/benchmarks.md",
    "scripts/capacity/README.md": "more/capacity.md",
    "deployments/nano/README.md": "more/nano.md",
    "scripts/train_nano/README.md": "more/training.md",
    "CONTRIBUTING.md": "more/contributing.md",
    "CHANGELOG.md": "more/changelog.md",
    "SECURITY.md": "more/security.md",
}
"""Pages of the site that are not in docs/."""
_CURVES: Final = "scripts/train_nano/curves"
_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages and the pictures on them."""
    for source, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    for picture in sorted((ROOT / _CURVES).glob("*.svg")):
        files.append(File.generated(config, f"more/curves/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Rewrites the links that lead out of docs/."""
    here = {page: source for source, page in PAGES.items()}.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    return _LINK.sub(lambda found: _rewritten(found, here, page.file.src_uri), markdown)


def _rewritten(found: re.Match[str], source: str, page: str) -> str:
    picture, text, link = found.groups()
    path, _, anchor = link.partition("#")
    if not path or ":" in path:
        return found[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if (ROOT / target).is_dir() and f"{target}/README.md" in PAGES:
        target = f"{target}/README.md"
    if target in PAGES:
        site = PAGES[target]
    elif target.startswith("docs/"):
        site = target.removeprefix("docs/")
    elif target.startswith(_CURVES):
        site = f"more/curves/{posixpath.basename(target)}"
    elif (ROOT / target).exists():
        return text if text.startswith("`") else f"{text} (`{target}`)"
    else:
        return found[0]  # mkdocs reports it
    relative = posixpath.relpath(site, posixpath.dirname(page) or ".")
    return f"{picture}[{text}]({relative}{'#' if anchor else ''}{anchor})"
