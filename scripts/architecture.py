"""Draws the packages and their imports. A test checks that the drawing is up to date.

`python -m scripts.architecture`
"""

import ast
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FILE: Final = ROOT / "docs" / "explanation" / "architecture.svg"
TOPS: Final = ("cli", "ui", "deployments")
ENTRY: Final = "deployments.app"
"""Wires the deployments: the only module of the top level with a box of its own."""

Graph = Mapping[str, set[str]]
"""What each package imports."""

_BOX: Final = (124, 46)
_GAP: Final = (26, 58)
_MARGIN: Final = 24


def main() -> None:
    FILE.write_text(drawing(), encoding="utf-8")


def drawing() -> str:
    """Returns the SVG."""
    graph, sizes = packages(ROOT)
    levels = layers(graph)
    places = _places(levels)
    right = max(x for x, _ in places.values()) + _BOX[0] + _MARGIN
    bottom = max(y for _, y in places.values()) + _BOX[1] + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right} {bottom}" width="{right}" height="{bottom}" '
        'font-family="system-ui, sans-serif" role="img">',
        "<title>Packages of Llasa Serve and what they import</title>",
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker></defs>',
        f'<rect width="{right}" height="{bottom}" rx="8" fill="#fbfbfd"/>',
    ]
    for source, targets in sorted(reduced(graph).items()):
        lines += [
            _edge(places[source], places[target], cyclic=source in reachable(graph, target))
            for target in sorted(targets)
        ]
    for name, place in sorted(places.items()):
        lines += _box(name, place, sizes[name])
    return "\n".join([*lines, "</svg>"]) + "\n"


def packages(root: Path) -> tuple[dict[str, set[str]], dict[str, int]]:
    """Returns the imports between packages and the number of modules of each.

    Modules at the top level of `deployments`, such as `errors` and `settings`, are left out: nearly all import them.
    """
    graph: dict[str, set[str]] = {}
    sizes: dict[str, int] = {}
    for path in sorted(path for top in TOPS for path in (root / top).rglob("*.py")):
        name = package_of(".".join(path.relative_to(root).with_suffix("").parts))
        if name is None:
            continue
        sizes[name] = sizes.get(name, 0) + (path.name != "__init__.py")
        targets = graph.setdefault(name, set())
        targets |= {target for module in imported(path) if (target := package_of(module)) and target != name}
    return {name: targets & graph.keys() for name, targets in graph.items()}, sizes


def package_of(module: str) -> str | None:
    """Returns the box to which a module belongs, or None."""
    parts = module.split(".")
    if parts[0] not in TOPS:
        return None
    if parts[0] != "deployments":
        return parts[0]
    name = ".".join(parts[:2])
    if name == ENTRY or (len(parts) > 1 and (ROOT / Path(*parts[:2])).is_dir()):
        return name
    return None


def imported(path: Path) -> Iterator[str]:
    """Yields the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def reachable(graph: Graph, start: str) -> set[str]:
    """Returns what a package imports, directly or through others."""
    found: set[str] = set()
    left = [start]
    while left:
        new = graph[left.pop()] - found
        found |= new
        left += new
    return found


def reduced(graph: Graph) -> dict[str, set[str]]:
    """Returns the graph without imports that follow from others, so that few lines cross."""
    below = {name: reachable(graph, name) for name in graph}

    def follows(source: str, target: str, other: str) -> bool:
        """Whether `source` imports `target` through `other` already. Of a cycle the first by name is kept."""
        through = target in below[other] and source not in below[other]
        return through and (other not in below[target] or other < target)

    return {
        source: {
            target for target in targets if not any(follows(source, target, other) for other in targets - {target})
        }
        for source, targets in graph.items()
    }


def layers(graph: Graph) -> list[list[str]]:
    """Returns rows of packages. A package stands above what it imports; those of a cycle share a row."""
    below = {name: reachable(graph, name) for name in graph}
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            ring = {other for other in below[name] if name in below[other]} | {name}
            outside = {target for member in ring for target in graph[member]} - ring
            level = max((deep(target) + 1 for target in sorted(outside)), default=0)
            depth.update(dict.fromkeys(ring, level))
        return depth[name]

    highest = max(deep(name) for name in sorted(graph))
    return [sorted(name for name in graph if depth[name] == level) for level in range(highest, -1, -1)]


def _places(levels: list[list[str]]) -> dict[str, tuple[int, int]]:
    width = max(len(level) for level in levels) * (_BOX[0] + _GAP[0])
    places = {}
    for row, level in enumerate(levels):
        left = (width - len(level) * (_BOX[0] + _GAP[0]) + _GAP[0]) // 2
        for column, name in enumerate(level):
            places[name] = (
                _MARGIN + left + column * (_BOX[0] + _GAP[0]),
                _MARGIN + row * (_BOX[1] + _GAP[1]),
            )
    return places


def _edge(source: tuple[int, int], target: tuple[int, int], *, cyclic: bool) -> str:
    style = 'stroke="#c2410c" stroke-dasharray="5 3"' if cyclic else 'stroke="#64748b"'
    x1, y1 = source[0] + _BOX[0] // 2, source[1] + _BOX[1]
    x2, y2 = target[0] + _BOX[0] // 2, target[1]
    if source[1] == target[1]:  # in one row: an arc below it, each direction at its own depth
        forth = source[0] < target[0]
        y2 = y1
        bend = y1 + (26 if forth else 44)
        x1, x2 = (x1 + 12, x2 - 12) if forth else (x1 - 12, x2 + 12)
        return f'<path d="M{x1} {y1}C{x1} {bend} {x2} {bend} {x2} {y2}" fill="none" {style} marker-end="url(#arrow)"/>'
    middle = (y1 + y2) // 2
    return f'<path d="M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}" fill="none" {style} marker-end="url(#arrow)"/>'


def _box(name: str, place: tuple[int, int], modules: int) -> list[str]:
    x, y = place
    fill = "#dbeafe" if name.startswith("deployments.") else "#dcfce7"
    middle = x + _BOX[0] // 2
    label = escape(name.removeprefix("deployments."))
    count = f"{modules} modules" if modules > 1 else "1 module"
    return [
        f'<rect x="{x}" y="{y}" width="{_BOX[0]}" height="{_BOX[1]}" rx="6" fill="{fill}" stroke="#475569"/>',
        f'<text x="{middle}" y="{y + 20}" text-anchor="middle" font-size="14" fill="#0f172a">{label}</text>',
        f'<text x="{middle}" y="{y + 36}" text-anchor="middle" font-size="11" fill="#475569">{count}</text>',
    ]


if __name__ == "__main__":
    main()
