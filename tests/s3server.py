"""An S3 server on this machine, for tests that need a bucket; without moto they are skipped, and say so."""

import logging
import urllib.request
from collections.abc import Iterator

import pytest

BUCKET = "snn"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


class S3:
    """A server with one empty bucket.

    Attributes:
        uri: of a prefix in it, with all that a client needs to know but the keys.
    """

    def __init__(self) -> None:
        server = pytest.importorskip("moto.server", reason="pip install 'moto[server]' for a bucket to test with")
        import boto3  # comes with moto

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.server = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        self.endpoint = "http://{}:{}".format(*self.server.get_host_and_port())
        urllib.request.urlopen(f"{self.endpoint}/moto-api/reset", data=b"")  # what earlier tests of this process left
        self.client = boto3.client("s3", endpoint_url=self.endpoint)
        self.client.create_bucket(Bucket=BUCKET)
        self.uri = f"s3://{BUCKET}/prefix?endpoint_override={self.endpoint}"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def objects(self) -> list[str]:
        """The keys of all objects, without what stands for folders."""
        found = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [one["Key"] for one in found if not one["Key"].endswith("/")]

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    server = S3()
    yield server
    server.stop()
