"""Check who may import whom: `python tools/check_imports.py [DIST]`.

Reads the dependencies that the packages declare (with DIST, also those in the built wheels' metadata: what a user's
installer sees) and every import in their sources. The rules:

- declared dependencies among our packages are exactly those of ALLOWED;
- a module imports `tallow.<name>` only of its own package or of one that it may depend on, wherever the import stands;
- what is imported when a module loads is the standard library, our own packages or a declared dependency;
- an import inside a function (loaded when it is used) may also be one of the optional packages below.
"""

from __future__ import annotations

import ast
import email
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from packages import Package, all_packages, requirement_name

#: Package -> those of ours that it depends on. The one place where the direction of dependencies is written down.
ALLOWED = {
    "tallow-build": set(),
    "tallow-core": set(),
    "tallow-autograd": {"tallow-core"},
    "tallow-nn": {"tallow-core", "tallow-autograd"},
    "tallow-optim": {"tallow-core"},
    "tallow-data": {"tallow-core"},
}
#: Look-ups of a package that may be missing, each with its reason: (module, what it imports inside a function).
SOFT = {
    ("tallow._tensor", "tallow.autograd"): "requires_grad=True loads it; without it the error says what to install",
    ("tallow.serialization.tensors", "tallow.nn"): "a file may hold nn.Parameter objects; without nn: tensors",
}
#: Loaded on use and never needed: the protocols work without them.
OPTIONAL = {"numpy", "cupy", "packaging", "tensorboard", "matplotlib"}


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    when_loaded: bool


def imports_of(path: Path, package: str) -> Iterator[Import]:
    """Absolute names of what a file imports; `package` is the dotted name of the package it is in."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))

    def walk(node: ast.AST, when_loaded: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for name in node.names:
                yield Import(name.name, node.lineno, when_loaded)
            return
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            yield Import(base, node.lineno, when_loaded)
            if base == "tallow" or base.startswith("tallow."):
                for name in node.names:
                    yield Import(f"{base}.{name.name}", node.lineno, when_loaded)
            return
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            children = list(node.orelse)
        inside = when_loaded and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in children:
            yield from walk(child, inside)

    yield from walk(tree, True)


def modules_of(package: Package) -> dict[str, Path]:
    """Dotted name -> file."""
    found = {}
    for path in sorted(package.sources.rglob("*.py")):
        parts = list(path.relative_to(package.sources).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def declared_problems(package: Package, ours: set[str]) -> list[str]:
    allowed = ALLOWED.get(package.name, ours - {"tallow", "tallow-build"} if package.name == "tallow" else None)
    if allowed is None:
        return [f"{package.name} is not in ALLOWED of tools/check_imports.py: say what it may depend on"]
    declared = package.dependencies & ours
    return [] if declared == allowed else [f"{package.name} declares {sorted(declared)}, allowed is {sorted(allowed)}"]


def wheel_problems(package: Package, dist: Path, ours: set[str]) -> list[str]:
    """The metadata inside the built wheel says what pyproject.toml says."""
    wheels = sorted(dist.glob(f"{package.name.replace('-', '_')}-[0-9]*.whl"))
    if len(wheels) != 1:
        return [f"{package.name}: {len(wheels)} wheels in {dist}, expected one"]
    with zipfile.ZipFile(wheels[0]) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    required = {requirement_name(r) for r in metadata.get_all("Requires-Dist", []) if "extra ==" not in r}
    if required != package.dependencies:
        return [f"{wheels[0].name} requires {sorted(required)}, pyproject.toml says {sorted(package.dependencies)}"]
    return []


def source_problems(package: Package, owners: dict[str, str]) -> Iterator[str]:
    may_use = {package.name} | package.dependencies
    third_party = {name.replace("-", "_") for name in package.dependencies}
    for module, path in modules_of(package).items():
        inside = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for found in imports_of(path, inside):
            where = f"{path.relative_to(package.folder.parent.parent)}:{found.line}"
            top = found.module.split(".")[0]
            if top == "tallow":
                owner = owner_of(found.module, owners)
                soft = not found.when_loaded and (module, found.module) in SOFT
                if owner is not None and owner not in may_use and not soft:
                    yield f"{where}: {package.name} imports {found.module} of {owner}, on which it does not depend"
            elif top not in sys.stdlib_module_names and top != module.split(".")[0] and top not in third_party:
                if found.when_loaded or top not in OPTIONAL:
                    yield f"{where}: {found.module} is not a declared dependency of {package.name}"


def owner_of(module: str, owners: dict[str, str]) -> str | None:
    """The package that ships `module`, or the module it is an attribute of."""
    while module:
        if module in owners:
            return owners[module]
        module = module.rpartition(".")[0]
    return None


def main(dist: Path | None) -> int:
    packages = all_packages()
    ours = {p.name for p in packages}
    owners: dict[str, str] = {}
    found: list[str] = []
    for package in packages:
        for module, path in modules_of(package).items():
            if module in owners:
                found.append(f"{path} is module {module}, which {owners[module]} ships too")
            owners[module] = package.name
    for package in packages:
        found += declared_problems(package, ours)
        if dist is not None:
            found += wheel_problems(package, dist, ours)
        found += source_problems(package, owners)
    print("\n".join(found) or f"imports: {len(packages)} packages, {len(owners)} modules, no forbidden import")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None))
