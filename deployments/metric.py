"""What may be measured, before it is known where."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured. Ray exports it to Prometheus with `ray_` before its name."""

    name: str
    kind: Kind
    description: str
    tags: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram: upper bounds of its buckets."""

    def of(self, library: Any) -> Any:
        """The metric as `ray.util.metrics` keeps it, or `ray.serve.metrics`, which adds the deployment's tags."""
        if self.kind == "histogram":
            return library.Histogram(self.name, self.description, list(self.bounds), self.tags)
        kind = library.Counter if self.kind == "counter" else library.Gauge
        return kind(self.name, self.description, self.tags)
