"""Read the checkpoints of torch before 1.6: a stream of pickles, then the storages.

Layout: a magic number, a protocol version and what the writer's system was like, a pickle each; the object; the list of
the storages' keys; and for each key, in order, the number of elements (8 bytes) and the elements. The object comes
before the bytes that it needs, so it is interpreted twice: first for the storages it mentions, then for itself.
"""

from __future__ import annotations

from typing import Any

from .restricted_pickle import Global, Interpreter, Rules, Truncated, refuse
from .source import Source
from .tensors import ITEM_SIZES, StorageReader
from .torch_format import StorageKey, TorchRules

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
_FIRST_READ = 1 << 16


def load_stream(source: Source, map_location: Any) -> Any:
    stream = _Pickles(source)
    plain = _Plain(source)
    if stream.next(plain) != MAGIC_NUMBER:
        raise source.fail("this is a bare pickle, not a checkpoint of torch: it lacks the magic number")
    version = stream.next(plain)
    if version != PROTOCOL_VERSION:
        raise source.fail(f"the checkpoint has protocol version {version!r:.60}, {PROTOCOL_VERSION} is read")
    system = stream.next(plain)
    if type(system) is not dict or system.get("little_endian") is not True:
        raise RuntimeError(f"{source.name}: the checkpoint is not little-endian; only those are read")
    start = stream.position
    survey = _Survey(source)
    stream.next(survey)
    names = stream.next(plain)
    rules = _StreamRules(source, map_location, _places(source, stream.position, names, survey.keys))
    stream.position = start
    return stream.next(rules)


class _Pickles:
    """The pickles of a stream, one after the other. How long one is stands nowhere: it is read until it is complete."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._size = min(_FIRST_READ, source.size)
        self.position = 0

    def next(self, rules: Rules) -> Any:
        source = self._source
        while True:
            size = min(self._size, source.size - self.position)
            interpreter = Interpreter(source, source.read(self.position, size, "the pickles"), rules)
            try:
                value = interpreter.run()
            except Truncated:
                if self.position + size >= source.size:
                    raise
                self._size = size * 4
                continue
            self.position += interpreter.position
            return value


class _Plain(Rules):
    """Numbers, text, lists and dicts only."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def resolve(self, symbol: Global) -> Any:
        raise refuse(self._source, symbol)

    def persistent(self, key: Any) -> Any:
        raise self._source.fail("the pickle refers to a storage where none can be")

    def build(self, value: Any, state: Any) -> None:
        raise self._source.fail(f"the pickle sets the state of a {type(value).__name__}")


class _Survey(TorchRules):
    """Notes which storages an object mentions. One and the same tensor stands for all of its tensors."""

    def __init__(self, source: Source) -> None:
        import tallow

        super().__init__(source)
        self.keys: dict[str, StorageKey] = {}
        self._stand_in = tallow.empty(0)

    def referenced(self, key: StorageKey, view: Any) -> Any:
        known = self.keys.setdefault(key.name, key)
        if known != key:
            raise self._source.fail(f"the pickle describes the storage {key.name!r:.60} in two ways")
        return None

    def call(self, symbol: Global, arguments: tuple[Any, ...]) -> Any:
        if symbol.module in ("torch._utils", "torch._tensor"):
            return self._stand_in
        return super().call(symbol, arguments)


def _places(source: Source, position: int, names: Any, keys: dict[str, StorageKey]) -> dict[str, int]:
    """Where the elements of each storage begin."""
    if type(names) is not list or len(names) != len(keys) or set(map(str, names)) != set(keys):
        raise source.fail("the list of storages is not that of the storages which the object mentions")
    places = {}
    for name in names:
        key = keys[str(name)]
        what = f"storage {key.name!r:.60}"
        count = int.from_bytes(source.read(position, 8, what), "little")
        if count != key.elements:
            raise source.fail(f"{what} has {count} elements, {key.elements} were announced")
        source.check(position + 8, key.nbytes, what)
        places[key.name] = position + 8
        position += 8 + key.nbytes
    return places


class _StreamRules(TorchRules):
    """Storages follow the object."""

    def __init__(self, source: Source, map_location: Any, places: dict[str, int]) -> None:
        super().__init__(source)
        self._reader = StorageReader(source, map_location)
        self._places = places
        self._storages: dict[str, tuple[Any, memoryview]] = {}

    def storage(self, key: StorageKey) -> tuple[Any, memoryview]:
        if key.name not in self._storages:
            what = f"storage {key.name!r:.60}"
            alignment = ITEM_SIZES[key.dtype]
            place = self._places[key.name]
            self._storages[key.name] = self._reader.read(place, key.nbytes, key.location, what, alignment)[:2]
        return self._storages[key.name]
