"""A row of the table: what one fault did."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from scripts.bench.measurement import percentile
from scripts.chaos.load import Result
from scripts.chaos.outcome import Outcome

HEADER: Final = (
    "fault",
    "sent",
    *(outcome.value for outcome in Outcome),
    "recovery p50 s",
    "max s",
    "MB before",
    "after",
    "fds before",
    "after",
    "temp files left",
)
_EXAMPLES: Final = 8


@dataclass(frozen=True, slots=True)
class Resources:
    """What the service's processes hold."""

    memory_mb: float
    fds: int
    temp_files: int | None
    """None where the folders are not known."""


@dataclass
class Row:
    """What one fault did."""

    fault: str
    counts: Counter[Outcome] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    """Seconds from each fault to the end of the first request that was sent after it and answered right."""
    before: Resources | None = None
    after: Resources | None = None
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Examples of what was lost or wrong, and whatever else must not happen."""
    violations: int = 0
    """Events other than lost and wrong answers that must not happen, such as hung workers."""
    ran: bool = True

    @classmethod
    def not_run(cls, fault: str, reason: str) -> "Row":
        """A row without figures."""
        return cls(fault, notes=[f"Not run: {reason}"], ran=False)

    @property
    def failed(self) -> bool:
        """Whether anything was lost or wrong, or must not have happened."""
        return bool(self.counts[Outcome.LOST] or self.counts[Outcome.WRONG] or self.violations)

    def count(self, results: Iterable[Result]) -> None:
        """Adds the outcomes of requests."""
        for result in results:
            self.counts[result.outcome] += 1
            if result.outcome in (Outcome.LOST, Outcome.WRONG):
                self._example(f"{result.outcome}: {result.case}: {result.detail}")

    def violate(self, detail: str) -> None:
        """Adds something that must not happen."""
        self.violations += 1
        self._example(detail)

    def _example(self, detail: str) -> None:
        if len(self.failures) < _EXAMPLES:
            self.failures.append(detail)

    def cells(self) -> list[str]:
        """The row as text."""
        if not self.ran:
            return [self.fault, *["-"] * (len(HEADER) - 1)]
        return [
            self.fault,
            str(self.counts.total()),
            *(str(self.counts[outcome]) for outcome in Outcome),
            f"{percentile(self.recoveries, 50):.1f}" if self.recoveries else "-",
            f"{max(self.recoveries):.1f}" if self.recoveries else "-",
            *(f"{held.memory_mb:.0f}" if held else "-" for held in (self.before, self.after)),
            *(str(held.fds) if held else "-" for held in (self.before, self.after)),
            "-" if self._temp_files_left is None else str(self._temp_files_left),
        ]

    @property
    def _temp_files_left(self) -> int | None:
        if not self.before or not self.after or self.before.temp_files is None or self.after.temp_files is None:
            return None
        return self.after.temp_files - self.before.temp_files

    def figures(self) -> dict[str, Any]:
        """The row for JSON."""
        return {
            "fault": self.fault,
            "ran": self.ran,
            "sent": self.counts.total(),
            **{outcome.name.lower(): self.counts[outcome] for outcome in Outcome},
            "recoveries": self.recoveries,
            "memory_mb": [held.memory_mb if held else None for held in (self.before, self.after)],
            "fds": [held.fds if held else None for held in (self.before, self.after)],
            "temp_files_left": self._temp_files_left,
            "violations": self.violations,
            "notes": self.notes,
            "failures": self.failures,
        }
