"""Plain Python objects as JSON and back: the tree that a checkpoint is, with tensors by index into a table.

``None``, ``bool``, ``str``, finite floats and small integers stand for themselves. Everything else is an object with
one tag: ``{"list": [...]}``, ``{"dict": {...}}`` (str keys), ``{"items": [[key, value], ...]}`` (other keys),
``{"tensor": 3}`` and so on. A container met twice carries an ``"id"`` and is a ``{"ref": id}`` from then on.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from collections import OrderedDict
from typing import Any

from .source import Source
from .tensors import check_ints, dtype_name, find_dtype

MAX_DEPTH = 200
_SAFE_INT = 1 << 53  # what every JSON reader keeps exactly
DEVICE = re.compile(r"[a-z_]{1,32}(:[0-9]{1,4})?")


# ---- saving -------------------------------------------------------------------------------------------------------


class Encoder:
    """Encodes one object. ``add_tensor(tensor, path)`` gives a tensor's index in the table."""

    def __init__(self, add_tensor: Any) -> None:
        import tallow

        self._tallow = tallow
        self._add_tensor = add_tensor
        self._nodes: dict[int, dict[str, Any]] = {}  # by id() of a container that is complete
        self._open: set[int] = set()  # containers being encoded: meeting one again is a cycle
        self._alive: list[Any] = []  # keeps ids valid
        self._next_id = 0

    def encode(self, value: Any, path: str, depth: int = 0) -> Any:
        kind = type(value)
        if kind in _SCALARS:
            return _encode_scalar(value, kind)
        tallow = self._tallow
        if isinstance(value, tallow.Tensor):
            return {"tensor": self._add_tensor(value, path)}
        if kind is tallow.Size:
            return {"size": list(value)}
        if kind is tallow.dtype:
            return {"dtype": dtype_name(value)}
        if kind is tallow.device:
            return {"device": str(value)}
        if kind is slice:
            parts = [value.start, value.stop, value.step]
            if all(part is None or type(part) is int for part in parts):
                return {"slice": [_encode_scalar(part, type(part)) for part in parts]}
            raise TypeError(f"{path}: cannot save a slice whose parts are not int or None: {value!r:.80}")
        if kind in _CONTAINERS:
            return self._container(value, kind, path, depth)
        raise TypeError(f"{path}: cannot save type {type_name(kind)}{hint(value)}")

    def _container(self, value: Any, kind: type, path: str, depth: int) -> dict[str, Any]:
        key = id(value)
        if key in self._open:
            raise ValueError(f"{path}: cannot save a container that contains itself")
        known = self._nodes.get(key)
        if known is not None:
            if "id" not in known:
                known["id"] = self._next_id
                self._next_id += 1
            return {"ref": known["id"]}
        if depth >= MAX_DEPTH:
            raise ValueError(f"{path[:60]}...: cannot save containers nested more than {MAX_DEPTH} deep")
        self._open.add(key)
        node = self._encode_content(value, kind, path, depth + 1)
        self._open.discard(key)
        if kind is not tuple or value:  # the empty tuple is a single object everywhere
            self._nodes[key] = node
            self._alive.append(value)
        return node

    def _encode_content(self, value: Any, kind: type, path: str, depth: int) -> dict[str, Any]:
        if kind in (list, tuple):
            return {kind.__name__: [self.encode(item, f"{path}[{i}]", depth) for i, item in enumerate(value)]}
        if kind in (set, frozenset):
            for item in value:
                check_key(item, path, "a set element")
            return {kind.__name__: [_encode_key(item) for item in value]}
        if kind is dict and all(type(key) is str for key in value):
            return {"dict": {key: self.encode(item, f"{path}[{key!r}]", depth) for key, item in value.items()}}
        items = []
        for key, item in value.items():
            check_key(key, path, "a key")
            items.append([_encode_key(key), self.encode(item, f"{path}[{key!r}]", depth)])
        if kind is dict:
            return {"items": items}
        # nn.Module.state_dict() hangs version numbers on its OrderedDict; load_state_dict() reads them.
        attributes = vars(value)
        if set(attributes) - {"_metadata"}:
            raise TypeError(f"{path}: cannot save an OrderedDict with attributes {sorted(attributes)}")
        if not attributes:
            return {"ordered": items}
        return {"ordered": items, "metadata": self.encode(attributes["_metadata"], f"{path}._metadata", depth)}


_CONTAINERS = (dict, list, tuple, OrderedDict, set, frozenset)
_SCALARS = (type(None), bool, str, int, float, complex, bytes)


def check_key(key: Any, path: str, role: str, depth: int = 0) -> None:
    """A dict key or set element is a scalar or a shallow tuple of them: what every reader hashes in bounded time."""
    if type(key) is tuple and depth < 8:
        for item in key:
            check_key(item, path, role, depth + 1)
    elif type(key) not in _SCALARS:
        raise TypeError(f"{path}: cannot save {role} of type {type_name(type(key))}")


def hint(value: Any) -> str:
    """What to do about the objects that people do try to save."""
    if hasattr(value, "state_dict"):
        return "; save its state_dict(): no code is saved or loaded here"
    if type(value).__module__ == "numpy":
        return "; save tallow.from_numpy(...) of an array, .item() of a scalar"
    return ""


def type_name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _encode_scalar(value: Any, kind: type) -> Any:
    if kind is int and not -_SAFE_INT <= value <= _SAFE_INT:
        return {"int": hex(value)}
    if kind is float and not math.isfinite(value):
        return {"float": _float_text(value)}
    if kind is complex:
        return {"complex": [_float_text(value.real), _float_text(value.imag)]}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode("ascii")}
    return value


def _encode_key(key: Any) -> Any:
    """A key that was checked: a scalar or a tuple of keys. Keys never use references."""
    if type(key) is tuple:
        return {"tuple": [_encode_key(item) for item in key]}
    return _encode_scalar(key, type(key))


def _float_text(value: float) -> str:
    """Exact text: repr, or the bits for a NaN that is not the usual one."""
    if value != value:
        bits = struct.pack(">d", value)
        return "nan" if bits == struct.pack(">d", math.nan) else bits.hex()
    return repr(value)


# ---- loading ------------------------------------------------------------------------------------------------------


class Decoder:
    """Decodes one tree. ``tensors`` is the finished table."""

    def __init__(self, source: Source, tensors: list[Any]) -> None:
        self._source = source
        self._tensors = tensors
        self._ids: dict[int, Any] = {}

    def decode(self, node: Any, depth: int = 0) -> Any:
        if node is None or isinstance(node, (bool, str, int, float)):
            return node
        if depth > MAX_DEPTH + 1:
            raise self._source.fail(f"the manifest is nested more than {MAX_DEPTH} deep")
        if not isinstance(node, dict):
            raise self._bad(node)
        tags = [tag for tag in node if tag not in ("id", "metadata")]
        if len(tags) != 1:
            raise self._bad(node)
        tag, content = tags[0], node[tags[0]]
        if tag in ("list", "tuple", "dict", "items", "ordered", "set", "frozenset"):
            value = self._decode_container(tag, content, depth + 1)
            self._attach(node, tag, value, depth)
            return value
        if len(node) != 1:
            raise self._bad(node)
        if tag == "ref":
            if type(content) is not int or content not in self._ids:
                raise self._source.fail(f"the manifest refers to an object {content!r:.60} that it does not have")
            return self._ids[content]
        if tag == "tensor":
            if type(content) is not int or not 0 <= content < len(self._tensors):
                raise self._source.fail(f"the manifest refers to tensor {content!r:.60} of {len(self._tensors)}")
            return self._tensors[content]
        return self._decode_scalar(tag, content, node)

    def _decode_container(self, tag: str, content: Any, depth: int) -> Any:
        if tag == "dict":
            if not isinstance(content, dict):
                raise self._bad(content)
            return {key: self.decode(item, depth) for key, item in content.items()}
        if not isinstance(content, list):
            raise self._bad(content)
        if tag in ("items", "ordered"):
            result: Any = {} if tag == "items" else OrderedDict()
            for pair in content:
                if not isinstance(pair, list) or len(pair) != 2:
                    raise self._bad(pair)
                key = self._decode_key(pair[0])
                if key in result:
                    raise self._source.fail(f"the manifest has the key {key!r:.60} twice")
                result[key] = self.decode(pair[1], depth)
            return result
        if tag in ("set", "frozenset"):
            values = [self._decode_key(item) for item in content]
            return set(values) if tag == "set" else frozenset(values)
        values = [self.decode(item, depth) for item in content]
        return values if tag == "list" else tuple(values)

    def _attach(self, node: dict[str, Any], tag: str, value: Any, depth: int) -> None:
        """The metadata of a state dict, and the id by which later references find this object."""
        if "metadata" in node:
            if tag != "ordered":
                raise self._bad(node)
            value._metadata = self.decode(node["metadata"], depth + 1)
        if "id" in node:
            number = node["id"]
            if type(number) is not int or number in self._ids:
                raise self._source.fail(f"the manifest has an invalid or repeated id {number!r:.60}")
            self._ids[number] = value

    def _decode_key(self, node: Any, depth: int = 0) -> Any:
        """Keys are scalars and shallow tuples, without references: hashing them takes time linear in the file."""
        if isinstance(node, dict) and list(node) == ["tuple"] and isinstance(node["tuple"], list) and depth < 8:
            return tuple(self._decode_key(item, depth + 1) for item in node["tuple"])
        if isinstance(node, dict) and list(node) not in (["int"], ["float"], ["complex"], ["bytes"]):
            raise self._bad(node)
        return self.decode(node)

    def _decode_scalar(self, tag: str, content: Any, node: Any) -> Any:
        import tallow

        try:
            if tag == "int" and isinstance(content, str) and re.fullmatch(r"-?0x[0-9a-f]+", content):
                return int(content, 16)
            if tag == "float":
                return self._float(content)
            if tag == "complex":
                real, imag = content
                return complex(self._float(real), self._float(imag))
            if tag == "bytes":
                return base64.b64decode(content, validate=True)
            if tag == "slice":
                start, stop, step = (self._decode_key(part) for part in content)
                return slice(start, stop, step)
            if tag == "device" and isinstance(content, str) and DEVICE.fullmatch(content):
                return tallow.device(content)
        except (TypeError, ValueError, binascii.Error):
            raise self._bad(node) from None
        if tag == "size":
            return tallow.Size(check_ints(self._source, content, "a Size in the manifest"))
        if tag == "dtype":
            return find_dtype(self._source, content, "the manifest")
        raise self._bad(node)

    def _float(self, text: Any) -> float:
        if not isinstance(text, str) or len(text) > 40:
            raise self._bad(text)
        if re.fullmatch(r"[7f]ff[0-9a-f]{13}", text):
            return struct.unpack(">d", bytes.fromhex(text))[0]
        return float(text)

    def _bad(self, node: Any) -> Exception:
        return self._source.fail(f"the manifest has an invalid entry {node!r:.80}")
