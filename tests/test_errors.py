"""What is said of an error: one line, no password, and what to lower where memory ran out."""

import pytest
import torch
from ray.exceptions import OutOfMemoryError

from snn_tune.errors import near_match, one_line, why, without_password


def test_one_line_of_bounded_length() -> None:
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line("x" * 1000)) == 300


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "API request to http://h:1/api failed with exception HTTPConnectionPool(host='h', port=1): Max retries "
            "exceeded with url: /api?a=b (Caused by NewConnectionError(\"HTTPConnection(host='h', port=1): Failed to "
            'establish a new connection: [Errno 111] Connection refused"))',
            "Failed to establish a new connection: [Errno 111] Connection refused",
        ),
        (
            "failed with exception HTTPSConnectionPool(host='h', port=1): Max retries exceeded with url: /a (Caused by "
            "ResponseError('too many 503 error responses'))",
            "too many 503 error responses",
        ),
        (
            "(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT INTO runs (a) VALUES (?)]\n"
            "[parameters: ('x' * 5)]\n(Background on this error at: https://sqlalche.me/e/20/e3q8)",
            "(sqlite3.OperationalError) database or disk is full",
        ),
        ("(sqlite3.DatabaseError) no\n(Background on this error at: https://a)", "(sqlite3.DatabaseError) no"),
    ],
)
def test_neither_requests_nor_statements_are_told(said: str, told: str) -> None:
    assert one_line(Exception(said)) == told


def test_passwords_are_struck_out() -> None:
    text = "no answer from http://me:s3cret@host:5000/a and sqlite:////tmp/a@b.db"
    assert without_password(text) == "no answer from http://***@host:5000/a and sqlite:////tmp/a@b.db"


def test_near_match() -> None:
    assert near_match("nb_hiden", ["nb_hidden", "lr"]) == " (did you mean 'nb_hidden'?)"
    assert near_match("zzz", ["nb_hidden"]) == ""


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        MemoryError("Unable to allocate 8 GiB for an array"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory"),
        OutOfMemoryError("Task was killed due to the node running low on memory."),
    ],
)
def test_out_of_memory_is_named_with_what_to_lower(error: Exception) -> None:
    assert why(error).startswith("out of memory; lower batch_size, nb_hidden or --max-concurrent (")


def test_any_other_failure_is_told_by_its_own_words() -> None:
    assert why(KeyError("a\nb")) == "KeyError: 'a\\nb'"
    assert why("killed by SIGKILL by OOM killer, perhaps") == "killed by SIGKILL by OOM killer, perhaps"
