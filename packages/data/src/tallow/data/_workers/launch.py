"""Starting worker processes, and what they are started with."""

from __future__ import annotations

import importlib
import io
import os
import pickle
from multiprocessing import context, process, reduction, spawn
from typing import Any

from tallow import _core
from tallow.multiprocessing.segment import Segment

_MAIN_KEYS = ("init_main_from_name", "init_main_from_path")
_SMALLEST = 1 << 12
util: Any = importlib.import_module("multiprocessing.util")  # its types do not know close_fds


class Luggage:
    """The dataset and functions of a worker, on the way to it.

    A forked worker has them already. To any other they are pickled, with tensors and arrays in one block of shared
    memory that all workers map, each seeing its own writes only: a dataset of gigabytes starts as fast as a small one.

    The main module of the program is imported by a worker only if something in the luggage comes from it.
    """

    def __init__(self, content: Any, replacements: dict[int, Any]) -> None:
        self._content = content
        self._replacements = replacements
        self._buffers: list[pickle.PickleBuffer] = []  # of the first worker; keeping them keeps their addresses
        self._segment: Segment | None = None

    def open(self) -> Any:
        """The content, in the worker."""
        return self._content

    def __reduce__(self) -> Any:
        file, buffers = io.BytesIO(), []

        def take(buffer: pickle.PickleBuffer) -> bool:
            if buffer.raw().nbytes < _SMALLEST:
                return True
            buffers.append(buffer)
            return False

        _Packer(file, take, self._replacements).dump(self._content)
        data = file.getvalue()
        main = {key: value for key, value in spawn.get_preparation_data("").items() if key in _MAIN_KEYS}
        if not buffers:
            return _Unpacked, (data, main, None, 0, [])
        if self._segment is None or _places(buffers) != _places(self._buffers):
            self._segment, self._buffers = _in_one_block(buffers), buffers
        sizes = [size for _, size in _places(self._buffers)]
        handle = reduction.DupFd(self._segment.descriptor)
        return _Unpacked, (data, main, handle, len(self._segment), sizes)


class _Packer(reduction.ForkingPickler):
    def __init__(self, file: io.BytesIO, take: Any, replacements: dict[int, Any]) -> None:
        super().__init__(file, 5, True, take)
        self._replacements = replacements

    def persistent_id(self, value: Any) -> Any:
        return self._replacements.get(id(value))


def _places(buffers: list[pickle.PickleBuffer]) -> list[tuple[int, int]]:
    raws = [buffer.raw() for buffer in buffers]
    return [(_core._frombuffer(raw, _core.uint8, -1, 0).data_ptr(), raw.nbytes) for raw in raws]


def _aligned(size: int) -> int:
    return -(-size // 64) * 64


def _in_one_block(buffers: list[pickle.PickleBuffer]) -> Segment:
    raws = [buffer.raw() for buffer in buffers]
    segment = Segment.create(sum(_aligned(raw.nbytes) for raw in raws))
    at = 0
    with memoryview(segment) as view:
        for raw in raws:
            view[at : at + raw.nbytes] = raw
            at += _aligned(raw.nbytes)
    return segment


class _Unpacked:
    """The luggage as it arrives."""

    def __init__(self, data: bytes, main: dict[str, Any], handle: Any, size: int, sizes: list[int]) -> None:
        self._data = data
        self._main = main
        self._sizes = sizes
        self._segment = Segment.attach(handle.detach(), size, private=True, close=True) if handle is not None else None

    def open(self) -> Any:
        buffers, at = [], 0
        for size in self._sizes:
            assert self._segment is not None  # there is one where there are sizes
            buffers.append(_core._frombuffer(self._segment, _core.uint8, size, at))
            at += _aligned(size)
        return _Unpacker(self._data, buffers, self._main).load()


class _Unpacker(pickle.Unpickler):
    """Imports the main module when the first thing from it is met."""

    def __init__(self, data: bytes, buffers: list[Any], main: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(data), buffers=buffers)
        self._main = main

    def find_class(self, module: str, name: str) -> Any:
        if module in ("__main__", "__mp_main__") and self._main:
            _import_main(self._main)
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        return pid


def _import_main(main: dict[str, Any]) -> None:
    """What every process that is not forked does by default before anything else."""
    current: Any = process.current_process()
    current._inheriting = True  # a program without a guarded main part is told so when it starts processes here
    try:
        spawn.prepare(main)
    finally:
        del current._inheriting


def _preparation(name: str) -> dict[str, Any]:
    return {key: value for key, value in spawn.get_preparation_data(name).items() if key not in _MAIN_KEYS}


class _SpawnProcess(context.SpawnProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        return _spawn_popen()(process_obj)


class _ForkServerProcess(context.ForkServerProcess):
    @staticmethod
    def _Popen(process_obj: Any) -> Any:
        return _forkserver_popen()(process_obj)


def _pickled(popen: Any, process_obj: Any) -> bytes:
    preparation = _preparation(process_obj._name)
    file = io.BytesIO()
    context.set_spawning_popen(popen)
    try:
        reduction.dump(preparation, file)
        reduction.dump(process_obj, file)
    finally:
        context.set_spawning_popen(None)
    return file.getvalue()


def _spawn_popen() -> Any:
    from multiprocessing import popen_spawn_posix, resource_tracker

    class Popen(popen_spawn_posix.Popen):
        """Starts as its base does, but with nothing of the main module."""

        _fds: list[int]

        def _launch(self, process_obj: Any) -> None:
            tracker: Any = resource_tracker.getfd()
            self._fds.append(tracker)
            data = _pickled(self, process_obj)
            child_reads, parent_writes = os.pipe()
            self.sentinel, child_holds = os.pipe()
            self.finalizer = util.Finalize(self, util.close_fds, (self.sentinel, parent_writes))
            try:
                command = spawn.get_command_line(tracker_fd=tracker, pipe_handle=child_reads)
                self._fds.extend([child_reads, child_holds])
                self.pid = util.spawnv_passfds(spawn.get_executable(), command, self._fds)
            finally:
                os.close(child_reads)
                os.close(child_holds)
            with open(parent_writes, "wb", closefd=False) as file:
                file.write(data)

    return Popen


def _forkserver_popen() -> Any:
    from multiprocessing import forkserver, popen_forkserver

    class Popen(popen_forkserver.Popen):
        """Starts as its base does, but with nothing of the main module."""

        _fds: list[int]

        def _launch(self, process_obj: Any) -> None:
            data = _pickled(self, process_obj)
            self.sentinel, writer = forkserver.connect_to_new_process(self._fds)
            parent_holds = os.dup(writer)
            self.finalizer = util.Finalize(self, util.close_fds, (parent_holds, self.sentinel))
            with open(writer, "wb", closefd=True) as file:
                file.write(data)
            self.pid = forkserver.read_signed(self.sentinel)

    return Popen


def process_type(chosen: Any) -> Any:
    """The class of processes of a multiprocessing context, or of the default one."""
    if type(chosen) is context.SpawnContext:
        return _SpawnProcess
    if type(chosen) is context.ForkServerContext:
        return _ForkServerProcess
    return chosen.Process
