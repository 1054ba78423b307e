"""Reading a pickle from elsewhere without running it: plain containers, strings, numbers and numeric arrays."""

import io
import math
import pickle
import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from snn_tune.errors import UserError

# sets, objects, persistent ids, extensions and buffers are left out
OPERATIONS = """
    PROTO FRAME STOP MARK POP POP_MARK DUP NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG LONG1 LONG4
    FLOAT BINFLOAT STRING BINSTRING SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES
    SHORT_BINBYTES BINBYTES8 EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT
    DICT SETITEM SETITEMS GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE BUILD
""".split()  # noqa: SIM905
ITEM_TYPE = re.compile(r"b1|[iu][1248]|f[248]")


def loads(data: bytes, name: object) -> Any:
    """The object that a pickle describes; arrays are read-only.

    Args:
        data: the pickle, of any protocol up to 5, Python 2's too. Reading takes up to some 100 times its size.
        name: what to call it in an error, its path say.

    Raises:
        UserError: it is damaged, or needs anything but plain data.
    """
    try:
        return _Reader(data).load()
    except Exception as err:  # a hostile file can raise anything
        what = str(err) if isinstance(err, pickle.UnpicklingError) else f"{type(err).__name__}: {err}"
        raise UserError(f"{name}: damaged, or more than plain data ({what[:200]!r})") from err


class _Type:
    """Stands for numpy.dtype: filled in two steps, as pickles do it."""

    def __init__(self, code: Any) -> None:
        _require(isinstance(code, str) and ITEM_TYPE.fullmatch(code), "an array that is not numeric")
        self.value = np.dtype(code)

    def build(self, state: Any) -> None:
        _require(type(state) is tuple and len(state) >= 5 and state[2:5] == (None, None, None), "a composite dtype")
        _require(state[1] in ("<", ">", "|", "="), "an unknown byte order")
        self.value = self.value.newbyteorder(state[1])


class _Array:
    """Stands for a numpy.ndarray until its content arrives."""

    value: NDArray[Any] | None = None


class _Memo(dict[int, Any]):
    """What the pickle refers back to: an array, once it is there, instead of its stand-in."""

    def __getitem__(self, key: int) -> Any:
        item = super().__getitem__(key)
        return item.value if isinstance(item, _Array) and item.value is not None else item


def _require(condition: object, otherwise: str) -> None:
    if not condition:
        raise pickle.UnpicklingError(otherwise)


def _with_plain_keys(operation: bytes, keys: slice) -> Callable[[Any], None]:
    """This operation of the base class, for these places of the stack being strings.

    The hash of a tuple in a tuple in a tuple... takes for ever, or the whole stack; integers can be made to collide.
    """
    load = pickle._Unpickler.dispatch[operation[0]]

    def checked(reader: Any) -> None:
        _require(all(type(key) is str for key in reader.stack[keys]), "a dictionary whose keys are not strings")
        load(reader)

    return checked


# Python's own reader in Python and not the one in C: there, a reference with a huge number claims that much memory,
# and BUILD reaches into every object. find_class hands out methods of this class alone, never anything of NumPy's.
class _Reader(pickle._Unpickler):
    stack: list[Any]
    append: Callable[[Any], None]

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.memo = _Memo()
        self._budget = 2 * len(data)  # bytes that may be copied: references could multiply a long string
        self._stand_ins: dict[tuple[str, str], object] = {
            ("numpy", "ndarray"): "ndarray",
            ("numpy", "dtype"): self._dtype,
            ("numpy.core.multiarray", "_reconstruct"): self._reconstruct,
            ("numpy.core.multiarray", "scalar"): self._scalar,
            ("_codecs", "encode"): self._encode,
        }

    def find_class(self, module: str, name: str) -> Any:
        known = self._stand_ins.get((module.replace("numpy._core", "numpy.core"), name))
        _require(known is not None, f"it asks for {module}.{name}")
        return known

    def load_reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        _require(any(function is known for known in self._stand_ins.values()), "a call of something else")
        self.append(function(*arguments))

    def load_build(self) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, _Array):
            _, shape, dtype, fortran, raw = state
            target.value = self.stack[-1] = self._array(shape, dtype, "F" if fortran else "C", raw)
        else:
            _require(isinstance(target, _Type), "an object's state")
            target.build(state)

    def refuse(self) -> None:
        raise pickle.UnpicklingError("an operation that plain data does not need")

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **dict.fromkeys(pickle._Unpickler.dispatch, refuse),
        **{code: pickle._Unpickler.dispatch[code] for code in (getattr(pickle, name)[0] for name in OPERATIONS)},
        pickle.REDUCE[0]: load_reduce,
        pickle.BUILD[0]: load_build,
        pickle.DICT[0]: _with_plain_keys(pickle.DICT, slice(0, None, 2)),
        pickle.SETITEM[0]: _with_plain_keys(pickle.SETITEM, slice(-2, -1)),
        pickle.SETITEMS[0]: _with_plain_keys(pickle.SETITEMS, slice(0, None, 2)),
    }

    def _reconstruct(self, kind: Any, shape: Any, code: Any) -> _Array:
        _require(kind == "ndarray", "a subclass of numpy.ndarray")
        return _Array()

    def _dtype(self, code: Any, align: Any = False, copy: Any = False) -> _Type:
        return _Type(code)

    def _scalar(self, dtype: Any, raw: Any) -> Any:
        return self._array((), dtype, "C", raw).item()

    def _encode(self, text: Any, encoding: Any) -> bytes:
        _require(isinstance(text, str) and encoding in ("latin1", "latin-1"), "an encoding other than latin1")
        self._budget -= len(text)
        _require(self._budget >= 0, "the same text over and over")
        return bytes(text, "latin1")

    def _array(self, shape: Any, dtype: Any, order: Any, raw: Any) -> NDArray[Any]:
        _require(type(shape) is tuple and len(shape) <= 32, "an array without a shape")
        _require(all(type(n) is int and 0 <= n < 1 << 40 for n in shape), "an array of a strange shape")
        _require(isinstance(dtype, _Type), "an array without a dtype")
        content = raw if type(raw) is bytes else self._encode(raw, "latin1")  # Python 2 wrote strings
        _require(len(content) == math.prod(shape) * dtype.value.itemsize, "an array whose length and shape disagree")
        return np.frombuffer(content, dtype.value).reshape(shape, order=order)
