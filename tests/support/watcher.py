"""A watch that remembers."""


class Watcher:
    """What a cache told."""

    def __init__(self) -> None:
        self.looked: list[bool] = []
        self.size = 0

    def looked_up(self, *, hit: bool) -> None:
        self.looked.append(hit)

    def holds(self, size: int) -> None:
        self.size = size
