"""What workers say as they close, when Ray takes no more results of them: left in the cluster's key-value store."""

import ray
from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_get, _internal_kv_list, _internal_kv_put


def leave(lines: list[str]) -> None:
    """In a worker: keep these lines for its driver."""
    if lines:
        _internal_kv_put(_mine() + ray.get_runtime_context().get_actor_id(), "\n".join(lines))


def taken() -> list[str]:
    """In a driver: what its workers left, once."""
    names = _internal_kv_list(_mine())
    lines = [line for name in names for line in (_internal_kv_get(name) or b"").decode().splitlines()]
    _internal_kv_del(_mine(), del_by_prefix=True)
    return lines


def _mine() -> str:
    """The same for a driver and its workers, and for no other driver of the cluster."""
    return f"snn_tune last words {ray.get_runtime_context().get_job_id()} "
