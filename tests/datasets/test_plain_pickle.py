"""The reader of pickles: it gives back plain data, and does nothing else whatever a pickle asks for."""

import codecs
import gzip
import io
import os
import pickle
import pickletools
import time
from collections import OrderedDict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from writers import BRAILLE, LETTERS, braille_trials

from snn_tune.datasets.plain_pickle import loads
from snn_tune.errors import UserError

ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
    np.array([1.5, 2.5], dtype=">f4"),
    np.array(7, dtype=np.uint8),
    np.array([True, False]),
]


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("protocol", range(5))
def test_plain_data_comes_back(protocol: int) -> None:
    plain = {"list": [1, -2, 2**70, 1.5, None, True, "ä\n", b"\x00\xff"], "tuples": ((), (1,), (1, 2, 3, 4)), "": {}}
    assert same(loads(pickle.dumps(plain, protocol), "file"), plain)


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype.str}{array.shape}")
def test_arrays_come_back(array: np.ndarray, protocol: int) -> None:
    read = loads(pickle.dumps([array, array], protocol), "file")
    assert same(read, [array, array])
    assert read[0] is read[1]


def test_empty_arrays_come_back() -> None:
    assert same(loads(pickle.dumps(np.zeros((0, 3)), 4), "file"), np.zeros((0, 3)))


@pytest.mark.parametrize("protocol", [2, 4])
def test_scalars_come_back_as_numbers(protocol: int) -> None:
    assert loads(pickle.dumps([np.float64(1.5), np.int32(-3)], protocol), "file") == [1.5, -3]


def test_both_names_of_numpys_core() -> None:
    old = pickle.dumps(ARRAYS[0], 2).replace(b"numpy._core", b"numpy.core")
    assert same(loads(old, "file"), ARRAYS[0])


def test_a_string_of_python_2() -> None:
    assert loads(b"\x80\x02U\x02\xe4\xffq\x00.", "file") == "äÿ"


class Call:
    """Pickled, it asks for a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


HOSTILE = {
    "os.system": Call(os.system, "touch owned"),
    "eval": Call(eval, "open('owned', 'w')"),
    "getattr": Call(getattr, "x", "format"),
    "numpy.load": Call(np.load, "x"),
    "frombuffer": Call(np.frombuffer, b"1234"),
    "rot13": Call(codecs.encode, "x", "rot13"),
    "object array": np.array([object], dtype=object),
    "record array": np.zeros(2, dtype=[("a", "i4")]),
    "date array": np.array(["2020-01-01"], dtype="M8[D]"),
    "text array": np.array(["abc"]),
    "matrix": np.zeros((2, 2)).view(np.recarray),
    "date": date(2020, 1, 1),
    "ordered": OrderedDict(a=1),
    "set": {1},
    "complex": 1j,
    "exception": ValueError("x"),
    "class": Path,
    "bytearray": bytearray(b"x"),
    "tuple keys": {(1, 2): 3},
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("what", HOSTILE)
def test_anything_else_is_refused(what: str, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^some/file: damaged, or more than plain data") as caught:
        loads(pickle.dumps([HOSTILE[what]], protocol), "some/file")
    assert "\n" not in str(caught.value)
    assert not Path("owned").exists()


def test_the_refused_global_is_named() -> None:
    with pytest.raises(UserError, match=r"f: .*it asks for (posix|nt)\.system"):
        loads(pickle.dumps(HOSTILE["os.system"]), "f")


RAW = {
    "inst": b"(S'touch owned'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'touch owned'\no.",
    "newobj": b"\x80\x02cnumpy\nndarray\n(K\x01t\x81.",
    "call of the array type": b"cnumpy\nndarray\n(K\x01tR.",
    "call of a string": b"X\x01\x00\x00\x00x)R.",
    "persistent id": b"Pid\n.",
    "extension": b"\x80\x02\x82\x01.",
    "state of a function": b"c_codecs\nencode\n}X\x01\x00\x00\x00aK\x01sb.",
    "state of a list": b"]}b.",
    "no such memo": b"h\x05.",
    "empty": b"",
    "no stop": b"]",
    "not a pickle": b"<html>\n</html>",
    "no stack": b"R.",
    "a future protocol": b"\x80\x63N.",
    "huge string": b"\x8e" + (1 << 60).to_bytes(8, "little") + b"x.",
}


@pytest.mark.parametrize("what", RAW)
def test_hand_made_pickles_are_refused(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^f: damaged"):
        loads(RAW[what], "f")
    assert not Path("owned").exists()


def reduced(shape: Any, code: Any = "f8", order: Any = "<", raw: Any = bytes(16), tail: Any = (None,) * 3) -> bytes:
    """A pickle of an array whose parts need not fit together."""
    stream = io.BytesIO()

    def write(value: Any) -> None:
        stream.write(pickle.dumps(value, 2)[2:-1].replace(b"q\x00", b""))

    stream.write(b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01")
    write(shape)
    stream.write(b"cnumpy\ndtype\n")
    write(code)
    stream.write(b"\x85R(K\x03")
    write(order)
    for value in (*tail, -1, -1, 0):
        write(value)
    stream.write(b"tb\x89B" + len(raw).to_bytes(4, "little") + raw + b"tb.")
    return stream.getvalue()


def test_the_parts_of_an_array_must_fit() -> None:
    assert same(loads(reduced((2,)), "f"), np.zeros(2))
    for bad in (
        {"shape": (3,)},
        {"shape": (-2,)},
        {"shape": (-1, -2)},
        {"shape": 2},
        {"shape": (2.0,)},
        {"shape": (1,) * 40 + (2,)},
        {"shape": (1 << 62, 1 << 62)},
        {"shape": (2,), "code": "O8"},
        {"shape": (2,), "code": "V8"},
        {"shape": (2,), "code": "2f4"},
        {"shape": (2,), "order": "x"},
        {"shape": (2,), "tail": ((1,), None, None)},
    ):
        with pytest.raises(UserError, match=r"^f: damaged"):
            loads(reduced(**bad), "f")


def test_traps_for_time_and_memory_are_refused_at_once() -> None:
    nested = b")" + b"2\x86" * 60  # a tuple of twice the tuple before: 2^60 steps to hash
    deep = b")" + b"\x85" * 500_000  # hashing it takes the whole stack
    traps = [
        b"}" + nested + b"Ns.",
        b"}" + deep + b"Ns.",
        b"(" + nested + b"Nd.",
        b"}(" + nested + b"Nu.",
        # one text of 1 MB, encoded a thousand times
        b"X" + (1 << 20).to_bytes(4, "little") + b"x" * (1 << 20) + b"q\x000c_codecs\nencode\nq\x010("
        b"" + b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R" * 1000 + b"l.",
    ]
    started = time.process_time()
    for trap in traps:
        with pytest.raises(UserError, match=r"^f: damaged"):
            loads(trap, "f")
    assert loads(b"\x80\x04\x95" + (1 << 60).to_bytes(8, "little") + b"N.", "f") is None  # a huge frame
    assert loads(b"Nr\xff\xff\xff\xff.", "f") is None  # claims no memo of 4 billion places
    assert time.process_time() - started < 30  # it would be ages


def test_truncated_anywhere() -> None:
    whole = pickle.dumps(braille_trials(1)[:2], 4)
    for length in range(0, len(whole) - 1, 7):
        with pytest.raises(UserError):
            loads(whole[:length], "f")


def test_flipped_bytes_give_an_error_or_plain_data() -> None:
    whole = pickle.dumps(braille_trials(1)[:1], 4)[:400]
    rng = np.random.default_rng(0)
    for _ in range(2000):
        changed = bytearray(whole)
        changed[rng.integers(len(whole))] = rng.integers(256)
        try:
            loads(bytes(changed), "f")
        except UserError as err:
            assert "\n" not in str(err)  # noqa: PT017


def test_the_real_files(real_data: Path) -> None:
    trials = loads(gzip.decompress((real_data / BRAILLE).read_bytes()), "tutorial 5")
    assert len(trials) == 1350
    assert {trial["taxel_data"].shape for trial in trials} == {(76, 12), (77, 12)}
    events = real_data / "braille/data_braille_letters_th10"
    if not events.is_file():
        pytest.skip("no th10 file")
    trials = loads(events.read_bytes(), events)
    assert len(trials) == 5400
    assert {trial["letter"] for trial in trials} == set(LETTERS)
    assert max(max(times, default=0.0) for trial in trials for taxel in trial["events"] for times in taxel) < 1.31
    assert next(pickletools.genops(events.read_bytes()))[1] == 3
