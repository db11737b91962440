"""Step: the training curves as pictures beside this package's page, drawn without any library."""

import csv
import math
import shutil
from pathlib import Path
from typing import Final

from .workplace import Workplace

FOLDER: Final = Path(__file__).parent / "curves"
_CHARTS: Final = {
    "decoder": ("magnitude", "phase"),
    "encoder": ("error", "naming", "natural_cell", "natural_sound", "natural_pitch", "natural_throat"),
    "lm": ("loss", "gaze", "edits", "ended", "pitch", "throat"),
}
_COLOURS: Final = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#555555")
_WIDTH, _HEIGHT, _MARGIN = 640, 320, 48


def draw(at: Workplace) -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, columns in _CHARTS.items():
        source = at.path(f"{name}.csv")
        if source.exists():
            shutil.copyfile(source, FOLDER / f"{name}.csv")
            (FOLDER / f"{name}.svg").write_text(chart(name, list(csv.DictReader(source.open())), columns))


def chart(title: str, rows: list[dict[str, str]], columns: tuple[str, ...]) -> str:
    """Minutes to the right, a logarithmic scale upwards."""
    minutes = [float(row["minutes"]) for row in rows]
    values = {c: [max(1e-3, float(row[c])) for row in rows] for c in columns}
    low = math.floor(min(math.log10(v) for column in values.values() for v in column))
    high = math.ceil(max(math.log10(v) for column in values.values() for v in column) + 1e-9)
    span = max(1e-9, max(minutes) - 0)

    def point(minute: float, value: float) -> str:
        x = _MARGIN + (_WIDTH - 2 * _MARGIN) * minute / span
        y = _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * (math.log10(value) - low) / max(1, high - low)
        return f"{x:.1f},{y:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_MARGIN}" y="20" font-size="14">{title}, by minutes</text>',
    ]
    for power in range(low, high + 1):
        x, y = point(0, 10**power).split(",")
        parts.append(f'<line x1="{x}" y1="{y}" x2="{_WIDTH - _MARGIN}" y2="{y}" stroke="#ddd"/>')
        parts.append(f'<text x="6" y="{y}">{10.0**power:g}</text>')
    for i, (column, series) in enumerate(values.items()):
        line = " ".join(point(m, v) for m, v in zip(minutes, series, strict=False))
        colour = _COLOURS[i % len(_COLOURS)]
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{_MARGIN + 110 * i}" y="{_HEIGHT - 8}" fill="{colour}">{column}</text>')
    parts.append(f'<text x="{_WIDTH - _MARGIN - 30}" y="{_HEIGHT - 30}">{span:.0f} min</text></svg>')
    return "\n".join(parts)
