"""A strict reader and a deterministic writer for zip archives whose members are stored, not compressed.

Not the standard library's ``zipfile``: what is loaded here is hostile until proved. This reader accepts no
compression (so no bombs), no overlapping or duplicate members, no disagreement between a member's two headers,
and it knows where each member's bytes lie, which memory mapping needs. The writer aligns every member to 64 bytes.

Format: PKWARE APPNOTE 6.3.10, sections 4.3.6 to 4.3.16 and 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

from .checksum import crc32
from .source import Source

ALIGNMENT = 64
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_LIMIT32 = 0xFFFFFFFF
_LIMIT16 = 0xFFFF
_DATE = 0x21  # 1 January 1980: the same object always gives the same bytes
_ALIGN_ID = 0xD935  # the extra field that Android's zipalign uses for padding
_ZIP64_ID = 0x0001


class Member(NamedTuple):
    offset: int
    size: int
    crc: int


# ---- writing ------------------------------------------------------------------------------------------------------


def write_zip(file: Any, members: list[tuple[str, list[Any]]]) -> None:
    """Write members, each a name and its chunks of bytes. Needs ``file.write`` only, so it streams to a socket too."""
    position = 0
    central = []
    for name, chunks in members:
        encoded = name.encode("ascii")
        size = sum(len(chunk) for chunk in chunks)
        crc = _crc(chunks)
        big = size >= _LIMIT32
        extra = struct.pack("<2H2Q", _ZIP64_ID, 16, size, size) if big else b""
        fixed = position + _LOCAL.size + len(encoded) + len(extra)
        pad = -fixed % ALIGNMENT
        if 0 < pad < 6:  # an extra field takes at least its header and the alignment it records
            pad += ALIGNMENT
        if pad:
            extra += struct.pack("<3H", _ALIGN_ID, pad - 4, ALIGNMENT) + bytes(pad - 6)
        size32 = _LIMIT32 if big else size
        version = 45 if big else 20
        head = (version, 0, 0, 0, _DATE, crc, size32, size32, len(encoded), len(extra))
        file.write(_LOCAL.pack(b"PK\3\4", *head) + encoded + extra)
        for chunk in chunks:
            file.write(chunk)
        central.append(_central_entry(encoded, position, size, crc))
        position = fixed + pad + size
    directory = b"".join(central)
    file.write(directory + _end_records(len(members), len(directory), position))


def _crc(chunks: Iterable[Any]) -> int:
    crc = 0
    for chunk in chunks:
        crc = crc32(chunk, crc)
    return crc


def _central_entry(name: bytes, offset: int, size: int, crc: int) -> bytes:
    wide = [value for value in (size, size, offset) if value >= _LIMIT32]
    extra = struct.pack("<2H", _ZIP64_ID, 8 * len(wide)) + struct.pack(f"<{len(wide)}Q", *wide) if wide else b""
    version = 45 if wide else 20
    size32 = min(size, _LIMIT32)
    fields = (version, version, 0, 0, 0, _DATE, crc, size32, size32, len(name), len(extra), 0, 0, 0, 0)
    return _CENTRAL.pack(b"PK\1\2", *fields, min(offset, _LIMIT32)) + name + extra


def _end_records(count: int, size: int, offset: int) -> bytes:
    records = b""
    if count >= _LIMIT16 or size >= _LIMIT32 or offset >= _LIMIT32:
        records += _END64.pack(b"PK\6\6", _END64.size - 12, 45, 45, 0, 0, count, count, size, offset)
        records += _LOCATOR64.pack(b"PK\6\7", 0, offset + size, 1)
    short = min(count, _LIMIT16)
    return records + _END.pack(b"PK\5\6", 0, 0, short, short, min(size, _LIMIT32), min(offset, _LIMIT32), 0)


# ---- reading ------------------------------------------------------------------------------------------------------


def read_zip(source: Source) -> dict[str, Member]:
    """The members by name, after every header has been checked against the others and the file's size."""
    count, size, offset = _find_directory(source)
    if size < count * _CENTRAL.size:
        raise source.fail(f"corrupt zip directory: {size} bytes cannot hold {count} entries")
    directory = source.read(offset, size, "the zip directory")
    members: dict[str, Member] = {}
    spans = []
    position = 0
    for index in range(count):
        name, start, member, position = _read_entry(source, directory, position, index, offset)
        if name in members:
            raise source.fail(f"corrupt zip directory: duplicate member {name!r}")
        members[name] = member
        spans.append((start, member.offset + member.size, name))
    if position != size:
        raise source.fail(f"corrupt zip directory: {size - position} bytes after its last entry")
    spans.sort()
    for (_, end, name), (start, _, other) in zip(spans, spans[1:], strict=False):
        if end > start:
            raise source.fail(f"corrupt zip: members {name!r} and {other!r} overlap")
    return members


def read_member(source: Source, name: str, member: Member) -> bytes:
    """The content of a member, its checksum verified."""
    data = source.read(member.offset, member.size, f"member {name!r}")
    check_crc(source, name, member, crc32(data))
    return data


def check_crc(source: Source, name: str, member: Member, crc: int) -> None:
    if crc != member.crc:
        raise source.fail(f"checksum of {name!r} is {crc:08x}, the file says {member.crc:08x}: the data is damaged")


def _find_directory(source: Source) -> tuple[int, int, int]:
    """(number of entries, size, offset) of the directory, from the record at the file's very end."""
    tail_start = max(0, source.size - _END.size - _LIMIT16)
    tail = source.read(tail_start, source.size - tail_start, "the zip end record")
    at = tail.rfind(b"PK\5\6")
    while at >= 0:
        if at + _END.size <= len(tail):
            _, disk, start_disk, here, count, size, offset, comment = _END.unpack_from(tail, at)
            if at + _END.size + comment == len(tail):
                break
        at = tail.rfind(b"PK\5\6", 0, at)
    else:
        raise source.fail("not a complete zip archive: no end record (truncated?)")
    end = tail_start + at
    locator_at = end - _LOCATOR64.size
    if locator_at >= 0:
        locator = source.read(locator_at, _LOCATOR64.size, "the zip64 locator")
        if locator[:4] == b"PK\6\7":
            _, disk, end, disks = _LOCATOR64.unpack(locator)
            if disk or disks != 1:
                raise source.fail("corrupt zip: the archive claims to span several disks")
            record = source.read(end, _END64.size, "the zip64 end record")
            signature, length, _, _, disk, start_disk, here, count, size, offset = _END64.unpack(record)
            if signature != b"PK\6\6" or end + 12 + length != locator_at:
                raise source.fail("corrupt zip: damaged zip64 end record")
    if disk or start_disk or here != count:
        raise source.fail("corrupt zip: the archive claims to span several disks")
    if offset + size != end:
        raise source.fail(f"corrupt zip: the directory ends at byte {offset + size}, the end record starts at {end}")
    return count, size, offset


def _read_entry(
    source: Source, directory: bytes, position: int, index: int, limit: int
) -> tuple[str, int, Member, int]:
    """One entry of the directory with the local header it points to: (name, start, member, next position)."""
    if position + _CENTRAL.size > len(directory):
        raise source.fail(f"corrupt zip directory: truncated at entry {index}")
    fields = _CENTRAL.unpack_from(directory, position)
    signature, _, _, flags, method, _, _, crc, packed, size, n_name, n_extra, n_comment, disk, _, _, start = fields
    position += _CENTRAL.size
    end = position + n_name + n_extra + n_comment
    if signature != b"PK\1\2" or end > len(directory):
        raise source.fail(f"corrupt zip directory: damaged entry {index}")
    raw_name = directory[position : position + n_name]
    extra = directory[position + n_name : position + n_name + n_extra]
    try:
        name = raw_name.decode("utf-8")
    except UnicodeDecodeError:
        raise source.fail(f"corrupt zip directory: the name of entry {index} is not text") from None
    size, packed, start = _widen(source, name, extra, size, packed, start)
    _check_storage(source, name, flags, method, size, packed, disk)

    what = f"the header of member {name!r}"
    # The name and most extra fields come with the header, in one read.
    front = source.read(start, min(_LOCAL.size + n_name + 128, max(source.size - start, _LOCAL.size)), what)
    header = _LOCAL.unpack_from(front)
    signature, _, local_flags, local_method, _, _, local_crc, local_packed, local_size, l_name, l_extra = header
    if signature != b"PK\3\4" or local_method != method or local_flags != flags:
        raise source.fail(f"corrupt zip: {what} disagrees with the directory")
    names = front[_LOCAL.size : _LOCAL.size + l_name + l_extra]
    if len(names) < l_name + l_extra:
        names = source.read(start + _LOCAL.size, l_name + l_extra, what)
    if names[:l_name] != raw_name:
        raise source.fail(f"corrupt zip: {what} has another name than the directory")
    if not flags & 8:  # with bit 3 the sizes follow the data, and the local fields are zero
        local_size, local_packed, _ = _widen(source, name, names[l_name:], local_size, local_packed, 0)
        if (local_crc, local_packed, local_size) != (crc, packed, size):
            raise source.fail(f"corrupt zip: {what} disagrees with the directory")
    data = start + _LOCAL.size + l_name + l_extra
    if data + size > limit:
        raise source.fail(f"corrupt zip: member {name!r} of {size} bytes at {data} runs into the directory at {limit}")
    return name, start, Member(data, size, crc), end


def _check_storage(source: Source, name: str, flags: int, method: int, size: int, packed: int, disk: int) -> None:
    if flags & 1:
        raise source.fail(f"member {name!r} is encrypted")
    if method != 0:
        raise source.fail(f"member {name!r} is compressed (method {method}); only stored members are read")
    if size != packed:
        raise source.fail(f"corrupt zip: member {name!r} is stored, yet has sizes {packed} and {size}")
    if disk:
        raise source.fail("corrupt zip: the archive claims to span several disks")


def _widen(source: Source, name: str, extra: bytes, size: int, packed: int, start: int) -> tuple[int, int, int]:
    """Replace the fields that are all ones by their 64-bit values from the zip64 extra field."""
    if _LIMIT32 not in (size, packed, start):
        return size, packed, start
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if kind == _ZIP64_ID and position + length <= len(extra):
            values = list(struct.unpack_from(f"<{length // 8}Q", extra, position))
            wide = []
            for value in (size, packed, start):
                if value == _LIMIT32:
                    if not values:
                        raise source.fail(f"corrupt zip: member {name!r} has a short zip64 field")
                    value = values.pop(0)
                wide.append(value)
            return wide[0], wide[1], wide[2]
        position += length
    raise source.fail(f"corrupt zip: member {name!r} lacks its zip64 field")
