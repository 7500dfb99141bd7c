"""Files and folders that appear whole or not at all.

What is written goes into a hidden folder beside its place, named ``.genelight-`` and holding a lock; from there it is
flushed to the disk and renamed. A process that is killed leaves that folder behind, its lock free: the next one that
writes beside it removes it, and puts back what was being replaced.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ResourceError

__all__ = ["FULL", "PREFIX", "clean", "exchange", "flush", "locked", "reason", "writing"]

PREFIX = ".genelight-"
LOCK = "lock"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a disk, a quota or a file that can take no more."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a place to write a file or a folder at; on success it takes the place of `path`, on failure it vanishes.

    Raises
    ------
    ResourceError
        If the folder cannot be written or the disk is full; what stood at `path` stays.
    """
    path = Path(path).expanduser().absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clean(path.parent)
        room, lock = _room(path.parent)
    except OSError as error:
        msg = f"cannot write {path}: {reason(error)}; choose another --out or free the disk"
        raise ResourceError(msg) from error
    try:
        (room / "new").mkdir()
        draft = room / "new" / path.name
        yield draft
        flush(draft)
        _replace(path, draft, aside=room / "old" / path.name)
        _flush_entry(path.parent)
    except ResourceError:
        raise
    # Libraries report a full disk as errors of their own.
    except Exception as error:
        if not isinstance(error, OSError) and not _is_full(error):
            raise
        msg = f"cannot write {path}: {reason(error)}; nothing was written there"
        raise ResourceError(msg) from error
    finally:
        _restore(room)
        shutil.rmtree(room, ignore_errors=True)
        os.close(lock)


def exchange(one: Path, other: Path) -> bool:
    """Let two files or folders change places in one step of the system; whether it can."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    here, swap = -100, 2
    return rename is not None and rename(here, os.fsencode(one), here, os.fsencode(other), swap) == 0


def flush(path: Path) -> None:
    """Have the system put a file, or a folder with all that is in it, on the disk itself."""
    if path.is_dir():
        for inside in path.iterdir():
            flush(inside)
    _flush_entry(path)


def clean(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder, and put back what they were replacing."""
    for room in folder.glob(f"{PREFIX}*"):
        lock = _try_lock(room)
        if lock is None:
            continue
        _restore(room)
        shutil.rmtree(room, ignore_errors=True)
        os.close(lock)


@contextmanager
def locked(folder: Path, *, busy: str) -> Iterator[None]:
    """Hold a folder for as long as the work lasts; the system frees it when the process ends, however it ends.

    Raises
    ------
    ResourceError
        If another process holds it; the message is `busy`.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError as error:
        raise ResourceError(busy) from error
    try:
        # One that was removed while we waited has no name any more.
        if not _lock(handle) or not os.fstat(handle).st_nlink:
            raise ResourceError(busy)
        yield
    finally:
        os.close(handle)


def reason(error: BaseException) -> str:
    """What the system said, in its own words; the first line of what a library made of it."""
    number = getattr(error, "errno", None)
    if number:
        return os.strerror(number)
    if full := _is_full(error):
        return full
    return str(error).partition("\n")[0] or type(error).__name__


def _is_full(error: BaseException) -> str:
    """The system's words for a full disk, where a library put them into a text of its own; else nothing."""
    said = (
        os.strerror(number)
        for number in FULL
        if f"errno = {number}," in str(error) or os.strerror(number) in str(error)
    )
    return next(said, "")


def _room(parent: Path) -> tuple[Path, int]:
    """A hidden folder of our own, locked; made again where another process took it for left behind."""
    while True:
        room = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
        try:
            lock = os.open(room / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        _lock(lock)
        if os.fstat(lock).st_nlink:
            return room, lock
        os.close(lock)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system without locks: whoever writes there has to see to it that no two do.
        return True
    return True


def _try_lock(room: Path) -> int | None:
    """The lock of a room whose process is gone; None while it lives."""
    try:
        handle = os.open(room / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return None
    return handle


def _replace(path: Path, draft: Path, *, aside: Path) -> None:
    """Put `draft` where `path` is; an older folder there is gone only once the new one is in its place."""
    # mkdtemp makes its folder private; a result is as readable as any the user creates.
    mask = os.umask(0)
    os.umask(mask)
    draft.chmod((0o777 if draft.is_dir() else 0o666) & ~mask)
    if not draft.is_dir() or not path.exists():
        draft.replace(path)
        return
    if exchange(path, draft):
        return
    aside.parent.mkdir()
    path.rename(aside)
    draft.rename(path)


def _restore(room: Path) -> None:
    """Put back a folder that was moved aside and whose successor never came."""
    for old in (room / "old").glob("*"):
        if not (room.parent / old.name).exists():
            old.rename(room.parent / old.name)


def _flush_entry(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some file systems know no flushing of folders.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
