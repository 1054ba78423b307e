from collections.abc import Iterator

import hosts
import pytest
from premises import ADDRESSES, Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if reason := hosts.missing():
        pytest.skip(f"no network namespaces here: {reason}")
    network = hosts.Network(tmp_path_factory.mktemp("net"), ADDRESSES)
    try:
        cluster = Cluster(network)
        cluster.up("head", ["one", "two"])
        yield cluster
    finally:
        network.close()
