"""JSON from files that nobody vouches for: no duplicate keys, no NaN literals, no huge integers, bounded depth."""

from __future__ import annotations

import json
from typing import Any

from .source import Source

_MAX_DIGITS = 20  # enough for any 64-bit number; larger integers are written as text (see structure.py)
_MAX_FLOAT = 40


def parse(source: Source, data: bytes, what: str) -> Any:
    """The value in ``data``, or a CorruptFileError that says what is wrong with ``what``."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(items)
        if len(result) != len(items):
            keys = sorted(key for key, _ in items)
            twice = next(key for key, following in zip(keys, keys[1:], strict=False) if key == following)
            raise source.fail(f"{what} has the key {_short(twice)} twice")
        return result

    def integer(digits: str) -> int:
        if len(digits) > _MAX_DIGITS:
            raise source.fail(f"{what} has an integer of {len(digits)} digits")
        return int(digits)

    def real(digits: str) -> float:
        if len(digits) > _MAX_FLOAT:
            raise source.fail(f"{what} has a number of {len(digits)} characters")
        return float(digits)

    def constant(name: str) -> Any:
        raise source.fail(f"{what} has the literal {name}, which is not JSON")

    try:
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=real, parse_constant=constant)
    except RecursionError:
        raise source.fail(f"{what} is nested too deeply") from None
    except ValueError as error:  # both JSONDecodeError and UnicodeDecodeError
        raise source.fail(f"{what} is not valid JSON: {error}") from None


def dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
