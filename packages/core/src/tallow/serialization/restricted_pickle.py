"""An interpreter for the part of the pickle language that describes data. It calls nothing that the file names.

A global becomes an inert ``Global``; what a call of one means is decided by the reader that owns this interpreter, from
a closed table. Opcodes follow the comments of CPython's ``pickletools`` (protocols 2 to 5).
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict
from typing import Any, NamedTuple

from .errors import CorruptFileError
from .source import Source


class Global(NamedTuple):
    """A name in the file. It is never imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Truncated(CorruptFileError):
    """The data end before the pickle does."""


class Rules:
    """What the globals of one file format mean. Every method gets values that the file made up."""

    def resolve(self, symbol: Global) -> Any:
        """The value a global stands for by itself, or the Global to be called later."""
        raise NotImplementedError

    def call(self, symbol: Global, arguments: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    def new(self, symbol: Global, arguments: tuple[Any, ...]) -> Any:
        """An instance of a class that was not initialised: its state follows."""
        raise NotImplementedError

    def persistent(self, key: Any) -> Any:
        raise NotImplementedError

    def build(self, value: Any, state: Any) -> None:
        raise NotImplementedError


def refuse(source: Source, symbol: Global) -> Exception:
    return pickle.UnpicklingError(
        f"{source.name}: Weights only load failed: refused to load {symbol}: only tensors and plain containers are "
        "loaded, and no code of a file is ever run; save a state_dict() of tensors instead, or name what is harmless "
        "with tallow.serialization.add_safe_globals()"
    )


def check_key(source: Source, key: Any, budget: int = 1000) -> Any:
    """A dict key or set element that hashes in bounded time: a scalar or a small tuple of them."""
    pending, seen = [(key, 0)], 0
    while pending:
        item, depth = pending.pop()
        seen += 1
        if seen > budget or depth > 8:
            raise source.fail("the pickle has a key that is too large")
        if type(item) is tuple:
            pending.extend((part, depth + 1) for part in item)
        elif item is not None and type(item) not in (str, int, float, bool, complex, bytes):
            raise source.fail(f"the pickle has a key of type {type(item).__name__}")
    return key


class Interpreter:
    """Runs the pickle at ``position`` of ``data``; afterwards ``position`` is the end of it."""

    def __init__(self, source: Source, data: bytes, rules: Rules, position: int = 0) -> None:
        self._source = source
        self._data = data
        self._rules = rules
        self.position = position
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        data, last, memo = self._data, len(self._data) - 1, self._memo
        while True:
            position = self.position
            # Nine of ten opcodes are these three with one byte behind them.
            if position < last:
                code, operand = data[position], data[position + 1]
                if code == 0x71 and self._stack:  # BINPUT
                    memo[operand] = self._stack[-1]
                elif code == 0x68 and operand in memo:  # BINGET
                    self._stack.append(memo[operand])
                elif code == 0x4B:  # BININT1
                    self._stack.append(operand)
                else:
                    operand = -1
                if operand >= 0:
                    self.position = position + 2
                    continue
            code = data[position] if position <= last else self._take(1)[0]
            self.position = position + 1
            if code == 0x2E:  # STOP
                if len(self._stack) != 1 or self._marks:
                    raise self._bad("does not end with one value")
                return self._stack[0]
            action = _ACTIONS.get(code)
            if action is None:
                raise self._bad(f"uses the opcode {code:#04x}, which is not read here")
            action(self)

    # -- the data and the stack --

    def _bad(self, fault: str) -> Exception:
        return self._source.fail(f"the pickle {fault} (at byte {self.position})")

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self._data):
            raise Truncated(*self._bad("is truncated").args)
        piece = self._data[self.position : end]
        self.position = end
        return piece

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _line(self) -> str:
        end = self._data.find(b"\n", self.position, self.position + 1000)
        if end < 0:
            fault = "has a name without an end"
            raise self._bad(fault) if len(self._data) - self.position >= 1000 else Truncated(*self._bad(fault).args)
        return self._text(self._take(end + 1 - self.position)[:-1])

    def _text(self, data: bytes) -> str:
        try:
            return data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise self._bad("has text that is not UTF-8") from None

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _pop(self) -> Any:
        if not self._stack:
            raise self._bad("takes a value from an empty stack")
        return self._stack.pop()

    def _pop_mark(self) -> list[Any]:
        if not self._marks:
            raise self._bad("lacks a mark")
        items = self._stack
        self._stack = self._marks.pop()
        return items

    def _top(self, *kinds: type) -> Any:
        if not self._stack or type(self._stack[-1]) not in kinds:
            raise self._bad(f"needs a {' or '.join(kind.__name__ for kind in kinds)} on the stack")
        return self._stack[-1]

    # -- opcodes --

    def _proto(self) -> None:
        version = self._take(1)[0]
        if not 2 <= version <= 5:
            raise self._bad(f"has protocol {version}, protocols 2 to 5 are read")

    def _frame(self) -> None:
        self._number("<Q")  # a hint for readers from a pipe

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    def _tuple(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._push(tuple(reversed(items)))

    def _long(self, size: int) -> None:
        if size < 0:
            raise self._bad("has an integer of negative length")
        self._push(int.from_bytes(self._take(size), "little", signed=True))

    def _append(self) -> None:
        value = self._pop()
        self._top(list).append(value)

    def _appends(self) -> None:
        items = self._pop_mark()
        self._top(list).extend(items)

    def _set_items(self, items: list[Any]) -> None:
        if len(items) % 2:
            raise self._bad("has a key without a value")
        target = self._top(dict, OrderedDict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[check_key(self._source, key)] = value

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._set_items([key, value])

    def _add_items(self) -> None:
        items = self._pop_mark()
        self._top(set).update(check_key(self._source, item) for item in items)

    def _frozenset(self) -> None:
        self._push(frozenset(check_key(self._source, item) for item in self._pop_mark()))

    def _get(self, index: int) -> None:
        if index not in self._memo:
            raise self._bad(f"refers to an object {index} that it does not have")
        self._push(self._memo[index])

    def _put(self, index: int) -> None:
        if not self._stack:
            raise self._bad("names a value of an empty stack")
        self._memo[index] = self._stack[-1]

    def _global(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise self._bad("names a global by something that is not text")
        self._push(self._rules.resolve(Global(module, name)))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._global(module, name)

    def _reduce(self) -> None:
        arguments, symbol = self._pop(), self._pop()
        if type(arguments) is not tuple or type(symbol) is not Global:
            raise self._bad("calls something that is not a global")
        self._push(self._rules.call(symbol, arguments))

    def _new_object(self) -> None:
        arguments, symbol = self._pop(), self._pop()
        if type(arguments) is not tuple or type(symbol) is not Global:
            raise self._bad("makes an instance of something that is not a global")
        self._push(self._rules.new(symbol, arguments))

    def _build(self) -> None:
        state = self._pop()
        if not self._stack:
            raise self._bad("sets the state of nothing")
        self._rules.build(self._stack[-1], state)

    def _persistent(self) -> None:
        self._push(self._rules.persistent(self._pop()))


_ACTIONS = {
    0x80: Interpreter._proto,
    0x95: Interpreter._frame,
    ord("("): Interpreter._mark,
    ord("0"): lambda self: self._pop() if self._stack else self._pop_mark(),
    ord("1"): Interpreter._pop_mark,
    ord("N"): lambda self: self._push(None),
    0x88: lambda self: self._push(True),
    0x89: lambda self: self._push(False),
    ord("K"): lambda self: self._push(self._take(1)[0]),
    ord("M"): lambda self: self._push(self._number("<H")),
    ord("J"): lambda self: self._push(self._number("<i")),
    0x8A: lambda self: self._long(self._take(1)[0]),
    0x8B: lambda self: self._long(self._number("<i")),
    ord("G"): lambda self: self._push(self._number(">d")),
    0x8C: lambda self: self._push(self._text(self._take(self._take(1)[0]))),
    ord("X"): lambda self: self._push(self._text(self._take(self._number("<I")))),
    0x8D: lambda self: self._push(self._text(self._take(self._number("<Q")))),
    ord("U"): lambda self: self._push(self._text(self._take(self._take(1)[0]))),  # text of Python 2
    ord("T"): lambda self: self._push(self._text(self._take(self._number("<I")))),
    ord("C"): lambda self: self._push(self._take(self._take(1)[0])),
    ord("B"): lambda self: self._push(self._take(self._number("<I"))),
    0x8E: lambda self: self._push(self._take(self._number("<Q"))),
    ord("]"): lambda self: self._push([]),
    ord("}"): lambda self: self._push({}),
    ord(")"): lambda self: self._push(()),
    0x8F: lambda self: self._push(set()),
    ord("t"): lambda self: self._push(tuple(self._pop_mark())),
    0x85: lambda self: self._tuple(1),
    0x86: lambda self: self._tuple(2),
    0x87: lambda self: self._tuple(3),
    ord("a"): Interpreter._append,
    ord("e"): Interpreter._appends,
    ord("s"): Interpreter._set_item,
    ord("u"): lambda self: self._set_items(self._pop_mark()),
    0x90: Interpreter._add_items,
    0x91: Interpreter._frozenset,
    ord("h"): lambda self: self._get(self._take(1)[0]),
    ord("j"): lambda self: self._get(self._number("<I")),
    ord("q"): lambda self: self._put(self._take(1)[0]),
    ord("r"): lambda self: self._put(self._number("<I")),
    0x94: lambda self: self._put(len(self._memo)),
    ord("c"): lambda self: self._global(self._line(), self._line()),
    0x93: Interpreter._stack_global,
    ord("R"): Interpreter._reduce,
    0x81: Interpreter._new_object,
    ord("b"): Interpreter._build,
    ord("Q"): Interpreter._persistent,
}
