"""Tables in CSV and Parquet files. Needs pyarrow.

:func:`read_csv` and :func:`read_parquet` read whole files into a dataset by index; :class:`ParquetStream` reads files
of any size by and by.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tallow
from tallow import Tensor

from .._packed import PackedList, shared
from .._rows import RecordRows, item
from ..dataset import Dataset, IterableDataset
from ..worker import get_worker_info
from ._optional import progress, require

__all__ = ["ParquetStream", "TableDataset", "read_csv", "read_parquet"]

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class TableDataset(Dataset[dict[str, Any]]):
    """Rows of a table: a sample is a dict from the name of a column to a number, a text or bytes.

    Args:
        columns: from name to a tensor or a list, all of one length.

    A batch has a tensor for each column of numbers and a list for each other one. Columns are in memory once, however
    many workers there are.

    Raises:
        ValueError: if lengths differ, or there is no column.

    >>> data = TableDataset({"x": tallow.tensor([1.5, 2.5]), "name": ["a", "b"]})
    >>> data[1]
    {'x': 2.5, 'name': 'b'}
    """

    def __init__(self, columns: Mapping[str, Tensor | Sequence[Any]]) -> None:
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) != 1:
            raise ValueError(f"TableDataset: columns must have one length, got {lengths}")
        self.columns = {name: c if isinstance(c, (Tensor, PackedList)) else shared(c) for name, c in columns.items()}
        self._length = next(iter(lengths.values()))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not -self._length <= index < self._length:
            raise IndexError(f"TableDataset: index {index} is out of range for {self._length} rows")
        return {name: item(column[index]) for name, column in self.columns.items()}

    def __getitems__(self, indices: Sequence[int]) -> RecordRows:
        positions = tallow.tensor([i + self._length if i < 0 else i for i in indices], dtype=tallow.int64)
        return RecordRows(
            {
                name: column.index_select(0, positions) if isinstance(column, Tensor) else [column[i] for i in indices]
                for name, column in self.columns.items()
            },
            len(indices),
        )


def read_csv(
    paths: Paths,
    columns: Sequence[str] | None = None,
    *,
    fill: Mapping[str, Any] | None = None,
    delimiter: str = ",",
    progress: bool | None = None,
) -> TableDataset:
    """Read CSV files with a header line, one behind the other.

    Args:
        paths: a file or several.
        columns: which columns. Default: all.
        fill: from column to what stands for missing values.
        delimiter: between columns.
        progress: a bar over the files. Default: if it takes long, on a terminal.

    Raises:
        ImportError: without pyarrow.
        FileNotFoundError: if there is no such file.
        ValueError: if a file is no such table, has not these columns, or has missing values that are not filled; or
            for columns of types other than numbers, bool, text, bytes, dates and times.
    """
    csv = require("pyarrow.csv", "pyarrow", "tables", "read_csv()")
    convert = csv.ConvertOptions(include_columns=None if columns is None else list(columns))
    parse = csv.ParseOptions(delimiter=delimiter)
    tables = [
        _checked("read_csv()", path, lambda path=path: csv.read_csv(path, parse_options=parse, convert_options=convert))
        for path in _bar(paths, "Reading CSV", progress)
    ]
    return _dataset("read_csv()", tables, fill)


def read_parquet(
    paths: Paths,
    columns: Sequence[str] | None = None,
    *,
    fill: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> TableDataset:
    """Read Parquet files, one behind the other. Arguments and errors are those of :func:`read_csv`."""
    parquet = require("pyarrow.parquet", "pyarrow", "tables", "read_parquet()")
    wanted = None if columns is None else list(columns)

    def read(path: str) -> Any:
        file = parquet.ParquetFile(path)
        _check_columns("read_parquet()", path, file.schema_arrow.names, wanted)
        return file.read(columns=wanted)

    tables = [
        _checked("read_parquet()", path, lambda path=path: read(path))
        for path in _bar(paths, "Reading Parquet", progress)
    ]
    return _dataset("read_parquet()", tables, fill)


class ParquetStream(IterableDataset[dict[str, Any]]):
    """The rows of Parquet files, read by row groups: the files may be larger than memory.

    Args:
        paths: a file or several.
        columns: which columns. Default: all.
        fill: from column to what stands for missing values.

    Of `N` workers each reads every `N`-th row group. It can be resumed in the middle of a row group.

    Raises:
        ImportError, FileNotFoundError, ValueError: as :func:`read_parquet`.
    """

    def __init__(
        self, paths: Paths, columns: Sequence[str] | None = None, *, fill: Mapping[str, Any] | None = None
    ) -> None:
        self._parquet = "pyarrow.parquet"
        parquet = require(self._parquet, "pyarrow", "tables", "ParquetStream")
        self.paths = _listed(paths)
        self.columns = None if columns is None else list(columns)
        self.fill = fill
        self.groups: list[tuple[int, int]] = []
        self.rows = 0
        for number, path in enumerate(self.paths):
            file = _checked("ParquetStream", path, lambda path=path: parquet.ParquetFile(path))
            _check_columns("ParquetStream", path, file.schema_arrow.names, self.columns)
            self.groups += [(number, group) for group in range(file.num_row_groups)]
            self.rows += file.metadata.num_rows
        self._group, self._row = 0, 0

    def __len__(self) -> int:
        return self.rows

    def __iter__(self) -> Iterator[dict[str, Any]]:
        info = get_worker_info()
        mine = self.groups[info.id :: info.num_workers] if info is not None else self.groups
        parquet = require(self._parquet, "pyarrow", "tables", "ParquetStream")
        while self._group < len(mine):
            path, group = self.paths[mine[self._group][0]], mine[self._group][1]
            table = _checked(
                "ParquetStream", path, lambda p=path, g=group: parquet.ParquetFile(p).read_row_group(g, self.columns)
            )
            rows = _dataset("ParquetStream", [table], self.fill)
            while self._row < len(rows):
                self._row += 1
                yield rows[self._row - 1]
            self._group, self._row = self._group + 1, 0
        self._group = 0

    def state_dict(self) -> dict[str, int]:
        """The row group among this worker's, and the row in it."""
        return {"group": self._group, "row": self._row}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on behind the row that `state_dict` was taken at."""
        self._group, self._row = state_dict["group"], state_dict["row"]


# ---------------------------------------------------------------- from pyarrow
def _listed(paths: Paths) -> list[str]:
    return [os.fspath(paths)] if isinstance(paths, (str, os.PathLike)) else [os.fspath(path) for path in paths]


def _bar(paths: Paths, what: str, show: bool | None) -> Iterable[str]:
    return progress(_listed(paths), what, show)


def _checked(who: str, path: str, read: Any) -> Any:
    """What `read` returns; pyarrow's errors of a bad file as ValueError with the name of the file."""
    arrow = require("pyarrow", "pyarrow", "tables", who)
    try:
        return read()
    except FileNotFoundError:
        raise
    except (arrow.ArrowException, KeyError, OSError) as error:
        raise ValueError(f"{who}: {path} cannot be read: {error}") from error


def _check_columns(who: str, path: str, there: Sequence[str], wanted: Sequence[str] | None) -> None:
    missing = [name for name in wanted or () if name not in there]
    if missing:
        raise ValueError(f"{who}: {path} has no column {', '.join(missing)}; it has {', '.join(there)}")


def _dataset(who: str, tables: list[Any], fill: Mapping[str, Any] | None) -> TableDataset:
    arrow = require("pyarrow", "pyarrow", "tables", who)
    if not tables:
        raise ValueError(f"{who}: no file was given")
    try:
        table = tables[0] if len(tables) == 1 else arrow.concat_tables(tables, promote_options="none")
    except arrow.ArrowException as error:
        raise ValueError(f"{who}: the files have not the same columns: {error}") from error
    return TableDataset({name: _column(who, name, table[name], fill or {}, arrow) for name in table.column_names})


def _column(who: str, name: str, values: Any, fill: Mapping[str, Any], arrow: Any) -> Any:
    """A tensor of numbers, else a list."""
    if values.null_count:
        if name not in fill:
            raise ValueError(
                f"{who}: column {name} has {values.null_count} missing values: give fill={{{name!r}: value}}, or leave "
                "the column out"
            )
        values = values.fill_null(fill[name])
    types, kind = arrow.types, values.type
    if types.is_temporal(kind):
        values = values.cast(arrow.int64() if kind.bit_width == 64 else arrow.int32())
        kind = values.type
    if types.is_boolean(kind):
        values, kind = values.cast(arrow.uint8()), None
    if kind is None or types.is_integer(kind) or types.is_floating(kind):
        array = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
        if isinstance(array, arrow.ChunkedArray):  # no chunk at all
            array = arrow.concat_arrays(array.chunks or [arrow.array([], values.type)])
        tensor = tallow.from_dlpack(array) if len(array) else tallow.empty(0, dtype=getattr(tallow, _name(values.type)))
        return tensor.clone() if kind is not None else tensor != 0
    if any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    ):
        return values.to_pylist()
    if types.is_dictionary(kind):
        return _column(who, name, values.cast(kind.value_type), fill, arrow)
    raise ValueError(f"{who}: column {name} has values of type {kind}, which is neither numbers nor text: leave it out")


def _name(kind: Any) -> str:
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(kind), str(kind))
