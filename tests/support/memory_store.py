"""A store in the memory of one process."""


class MemoryStore:
    """What `ClusterStore` is to a cluster."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.texts.get(key)

    def put(self, key: str, text: str) -> None:
        self.texts[key] = text

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.texts if key.startswith(prefix)]
