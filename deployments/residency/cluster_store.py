"""The store of the cluster's records: Ray's internal key-value store."""

from typing import Final

from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_list, _internal_kv_put


class ClusterStore:
    """`Store` in Ray's internal key-value store."""

    _NAMESPACE: Final = "llasa-serve"

    def get(self, key: str) -> str | None:
        value: bytes | None = _internal_kv_get(key, namespace=self._NAMESPACE)
        return None if value is None else value.decode()

    def put(self, key: str, text: str) -> None:
        _internal_kv_put(key, text, overwrite=True, namespace=self._NAMESPACE)

    def keys(self, prefix: str) -> list[str]:
        return [key.decode() for key in _internal_kv_list(prefix, namespace=self._NAMESPACE)]
