"""How the types of op schemas read in Python: `Tensor?` is `Tensor | None`, `int[] size` is `_ints`, and so on."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

#: Aliases that the stubs define once, because Tensor and the module have members called int, bool, dtype ...
PREAMBLE = """\
_int: TypeAlias = builtins.int
_bool: TypeAlias = builtins.bool
_float: TypeAlias = builtins.float
_complex: TypeAlias = builtins.complex
_str: TypeAlias = builtins.str
_number: TypeAlias = builtins.int | builtins.float | builtins.complex
"""

SCHEMA_TYPES = {
    "Tensor": "Tensor",
    "Tensor[]": "Sequence[Tensor]",
    "Tensor?[]": "Sequence[Tensor | None]",
    "Scalar": "_number",
    "Scalar[]": "Sequence[_number]",
    "Tensor|Scalar": "Tensor | _number",
    "int": "_int",
    "float": "_float",
    "bool": "_bool",
    "str": "_str",
    "string": "_str",
    "complex": "_complex",
    "int[]": "_int | Sequence[_int]",
    "float[]": "Sequence[_float]",
    "bool[]": "Sequence[_bool]",
    "dtype": "_dtype",
    "device": "_device | _str | _int",
    "layout": "_memory_format",
    "memory_format": "_memory_format",
    "Generator": "Generator",
}
RESULT_TYPES = {"Tensor[]": "tuple[Tensor, ...]", "int[]": "list[_int]", "Scalar": "_number"}


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    default: bool
    keyword_only: bool

    @property
    def annotation(self) -> str:
        optional = self.type.endswith("?") and self.type != "Tensor?[]"
        known = SCHEMA_TYPES.get(self.type.rstrip("?"), "Any")
        return f"{known} | None" if optional and known != "Any" else known

    def __str__(self) -> str:
        # `random_(from, to)` takes a word of Python's as a name; nobody can pass it by that name.
        name = f"{self.name}_" if keyword.iskeyword(self.name) else self.name
        return f"{name}: {self.annotation}{' = ...' if self.default else ''}"


@dataclass(frozen=True)
class Signature:
    parameters: tuple[Parameter, ...]
    result: str

    def render(self, name: str, *, method: bool) -> list[str]:
        """One definition, or two where a list of sizes may also be given as single numbers."""
        own = self.parameters[1:] if method else self.parameters
        head = ["self"] if method else []
        forms = [", ".join(head + _listed(own))]
        if own and own[0].type == "int[]" and not own[0].keyword_only:
            # Behind single numbers everything has to be given by name.
            rest = [str(p) for p in own[1:] if p.keyword_only]
            if all(p.keyword_only or p.default for p in own[1:]):
                forms.append(", ".join([*head, f"*{own[0].name}: _int", *rest]))
        return [f"def {name}({form}) -> {self.result}: ..." for form in forms]


def _listed(parameters: tuple[Parameter, ...]) -> list[str]:
    words = []
    for index, parameter in enumerate(parameters):
        if parameter.keyword_only and (index == 0 or not parameters[index - 1].keyword_only):
            words.append("*")
        words.append(str(parameter))
    return words


def parse_schema(schema: str) -> Signature:
    """`name.overload(Type name=default, *, ...) -> Result`."""
    head, _, result = schema.rpartition("->")
    inside = head[head.index("(") + 1 : head.rindex(")")]
    parameters = []
    keyword_only = False
    for word in _split(inside):
        if word == "*":
            keyword_only = True
            continue
        declared, equals, _ = word.partition("=")
        kind, name = declared.split()
        kind = re.sub(r"\([a-z!]*\)|\[\d+\]", lambda m: "[]" if m[0][0] == "[" else "", kind)
        parameters.append(Parameter(name, kind, bool(equals), keyword_only))
    if any(p.name == "pin_memory" for p in parameters):
        # What makes tensors takes this as well; the binding hands it to autograd, no op sees it.
        parameters.append(Parameter("requires_grad", "bool", True, True))
    return Signature(tuple(parameters), _result(result.strip()))


def _result(text: str) -> str:
    if text == "()":
        return "None"
    if text.startswith("("):
        return f"tuple[{', '.join(_result(part.split()[0]) for part in _split(text[1:-1]))}]"
    kind = re.sub(r"\([a-z!]*\)", "", text.split()[0])
    return RESULT_TYPES.get(kind) or SCHEMA_TYPES.get(kind, "Any")


def _split(text: str) -> list[str]:
    """At commas outside of brackets and quotes."""
    parts, depth, quoted, start = [], 0, False, 0
    for index, char in enumerate(text):
        quoted ^= char in "\"'"
        depth += (char in "([") - (char in ")]")
        if char == "," and depth == 0 and not quoted:
            parts.append(text[start:index].strip())
            start = index + 1
    return [p for p in [*parts, text[start:].strip()] if p]
