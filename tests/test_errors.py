"""What is said of an error: one line, no password, and what to lower where memory ran out."""

import pytest
import torch
from ray.exceptions import OutOfMemoryError

from snn_tune.errors import near_match, one_line, why, without_password


def test_one_line_of_bounded_length() -> None:
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"
    assert len(one_line("x" * 1000)) == 300


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
