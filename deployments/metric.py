"""Definitions of metrics, independent of where they are exported."""

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric. Ray exports it to Prometheus with `ray_` before its name."""

    name: str
    kind: Kind
    description: str
    tags: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram's buckets."""

    def of(self, library: Any) -> Any:
        """Creates the metric in `ray.util.metrics`, or in `ray.serve.metrics`, which adds the deployment's tags."""
        if self.kind == "histogram":
            return library.Histogram(self.name, self.description, list(self.bounds), self.tags)
        kind = library.Counter if self.kind == "counter" else library.Gauge
        return kind(self.name, self.description, self.tags)
