"""What an autoscaling cluster may grow to, as the file on its head says that `ray up` left there."""

from pathlib import Path
from typing import Any

import yaml

CONFIG = Path("~/ray_bootstrap_config.yaml")

Resources = dict[str, float]


def to_come(config: Path = CONFIG) -> list[Resources]:
    """Resources of each worker that there may be at most; none where no file says so.

    Machines whose size nobody knows before they are there (`provider: local`) are left out.
    """
    try:
        found = yaml.safe_load(config.expanduser().read_text())
        kinds = {name: kind for name, kind in found["available_node_types"].items() if name != found["head_node_type"]}
        workers = [_resources(kind) for kind in kinds.values() for _ in range(kind.get("max_workers", 0))]
        return [worker for worker in workers if worker][: found.get("max_workers", 0)]
    except (OSError, ValueError, LookupError, AttributeError, TypeError, yaml.YAMLError):  # not ours to complain of
        return []


def _resources(kind: dict[str, Any]) -> Resources:
    return {name: float(value) for name, value in (kind.get("resources") or {}).items() if name in ("CPU", "GPU")}
