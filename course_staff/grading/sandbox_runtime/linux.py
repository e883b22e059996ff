"""Linux system calls without a Python function: namespaces, mounts, seccomp; removing folders."""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import platform
import signal
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Whether these calls are there; elsewhere those that only harden do nothing.
HERE = sys.platform == "linux"

#: The exit status of a worker that could not go on.
NO_ANSWER = 70
#: What the scoring process sends to a supervisor to be told how long its worker was busy.
HOW_BUSY = b"?"

NEW_MOUNT = 0x00020000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PID = 0x20000000
NEW_NET = 0x40000000

_READ_ONLY, _NO_SUID, _NO_DEV, _NO_EXEC = 1, 2, 4, 8
_BIND, _REC, _PRIVATE = 4096, 16384, 1 << 18
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_SYS_MOUNT_SETATTR = 442  # the same number on every processor

_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 4, 22, 36, 38
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP = 1, 24


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    """Leave the namespaces that `flags` name for new ones."""
    _call("unshare", ctypes.c_int(flags))


def map_own_user(user: int, group: int) -> None:
    """Map the user and group of this process to themselves in a new user namespace."""
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system."""
    number = ctypes.c_ulong(flags)
    _call("mount", source.encode(), target.encode(), kind.encode(), number, options.encode())


def make_private() -> None:
    """Make mounts from here on invisible to other namespaces."""
    mount("none", "/", "none", _REC | _PRIVATE)


def bind(source: str, target: str) -> None:
    """Mount a folder at a second place, read-only and without set-uid programs."""
    mount(source, target, "none", _BIND | _REC)
    set_attributes(target, _READ_ONLY | _NO_SUID)


def set_attributes(target: str, attributes: int, below: bool = True) -> None:
    """Set flags of a mount, and of all mounts below it (Linux 5.12)."""
    wanted = ctypes.create_string_buffer(struct.pack("QQQQ", attributes, 0, 0, 0))
    _call(
        "syscall",
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        target.encode(),
        ctypes.c_uint(_AT_RECURSIVE if below else 0),
        wanted,
        ctypes.c_size_t(32),
    )


def temporary(
    target: str, size: int, mode: int = 0o755, user: int | None = None, group: int | None = None
) -> None:
    """Mount an empty file system in memory, of at most `size` bytes.

    It belongs to this process's own user and group where none are given: in the user namespace of
    an ordinary user there is no other, and the kernel refuses the mount.
    """
    user = os.geteuid() if user is None else user
    group = os.getegid() if group is None else group
    options = f"size={size},mode={mode:o},uid={user},gid={group},nr_inodes=20000"
    mount("tmpfs", target, "tmpfs", _NO_SUID | _NO_DEV, options)


def processes(target: str = "/proc") -> None:
    """Mount the list of processes of this process namespace."""
    mount("proc", target, "proc", _NO_SUID | _NO_DEV | _NO_EXEC)


def read_only(target: str) -> None:
    """Make the file system that is mounted at `target` read-only."""
    set_attributes(target, _READ_ONLY, below=False)


def _prctl(option: int, *arguments: int) -> None:
    if not HERE:
        return
    four = [ctypes.c_ulong(number) for number in (*arguments, 0, 0, 0, 0)[:4]]
    _call("prctl", ctypes.c_int(option), *four)


def set_dumpable(dumpable: bool) -> None:
    """Return whether processes of the same user may look into this one."""
    _prctl(_PR_SET_DUMPABLE, int(dumpable))


def end_with_parent(parent: int) -> None:
    """Make the kernel kill this process when its parent ends.

    Parameters
    ----------
    parent : int
        The process id of the parent; where it ended already, this process ends at once.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def drop_capabilities() -> None:
    """Give up every capability, for this process and whatever it starts."""
    if not HERE:
        return
    for capability in range(64):
        try:
            _prctl(_PR_CAPBSET_DROP, capability)
        except OSError:  # the kernel has no such capability, or there is none to give up
            break
    header = ctypes.create_string_buffer(struct.pack("Ii", 0x20080522, 0))
    _call("capset", header, ctypes.create_string_buffer(24))


# --- seccomp -----------------------------------------------------------------------------------

#: System calls that no exercise needs, by processor: namespaces, mounts, access to other processes,
#: and parts of the kernel with a history of vulnerabilities.
_REFUSED = {
    "x86_64": {
        "arch": 0xC000003E,
        "socket": 41,
        "kill": 62,
        "clone": 56,
        "calls": (
            *(101, 134, 135, 155, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173),
            *(175, 176, 179, 227, 246, 248, 249, 250, 256, 272, 279, 298, 304, 305, 308, 310, 311),
            *(312, 313, 320, 321, 323, 425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442),
        ),
    },
    "aarch64": {
        "arch": 0xC00000B7,
        "socket": 198,
        "kill": 129,
        "clone": 220,
        "calls": (
            *(39, 40, 41, 51, 60, 89, 92, 97, 104, 105, 106, 112, 117, 142, 161, 162, 170, 217),
            *(218, 219, 224, 225, 238, 239, 241, 265, 266, 268, 270, 271, 272, 273, 280, 282, 294),
            *(425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442),
        ),
    },
}
_SYS_CLONE3 = 435
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS, _EACCES = 1, 38, 13
_AF_UNIX = 1
_NAMESPACES = 0x7E020000


def refuse_calls() -> bool:
    """Make the kernel refuse system calls that no exercise needs, the network included.

    Returns
    -------
    bool
        False on a processor whose call numbers are not listed here.
    """
    known = _REFUSED.get(platform.machine())
    if not HERE or known is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    program = _filter(known)
    buffer = ctypes.create_string_buffer(program, len(program))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    )
    _prctl(_PR_SET_SECCOMP, 2, ctypes.addressof(header))
    return True


def _filter(known: dict) -> bytes:
    """Return the filter as BPF instructions of 8 bytes each."""

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("HBBI", code, yes, no, value)

    load, equal, greater, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    steps = [
        step(load, 4),  # the processor
        step(equal, known["arch"], 1, 0),
        step(answer, _ERRNO | _EPERM),
        step(load, 0),  # the number of the call
        step(greater, 0x40000000, 0, 1),
        step(answer, _ERRNO | _EPERM),
    ]
    for number in known["calls"]:
        steps += [step(equal, number, 0, 1), step(answer, _ERRNO | _EPERM)]
    # glibc takes clone where clone3 is not there, and of clone the flags can be seen.
    steps += [step(equal, _SYS_CLONE3, 0, 1), step(answer, _ERRNO | _ENOSYS)]
    steps += [
        step(equal, known["clone"], 0, 4),
        step(load, 16),
        step(any_bit, _NAMESPACES, 0, 1),
        step(answer, _ERRNO | _EPERM),
        step(answer, _ALLOW),
    ]
    steps += [  # a signal to everybody
        step(equal, known["kill"], 0, 4),
        step(load, 16),
        step(equal, 0xFFFFFFFF, 0, 1),
        step(answer, _ERRNO | _EPERM),
        step(answer, _ALLOW),
    ]
    steps += [
        step(equal, known["socket"], 0, 4),
        step(load, 16),
        step(equal, _AF_UNIX, 1, 0),
        step(answer, _ERRNO | _EACCES),
        step(answer, _ALLOW),
        step(answer, _ALLOW),
    ]
    return b"".join(steps)


# --- what is running ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Use:
    """The resources of a process at one moment.

    Attributes
    ----------
    resident, data : int
        Bytes of memory in use, and bytes that it may write to (what RLIMIT_DATA limits).
    seconds : float
        Processor time so far, with that of its children that ended.
    """

    resident: int = 0
    data: int = 0
    seconds: float = 0.0


def below(ancestor: int) -> list[int]:
    """Return the processes that descend from `ancestor`."""
    try:
        return [child.pid for child in psutil.Process(ancestor).children(recursive=True)]
    except psutil.Error:
        return []


def use(pid: int) -> Use:
    """Return what a process uses; nothing if it has ended."""
    try:
        process = psutil.Process(pid)
        memory, times = process.memory_info(), process.cpu_times()
    except psutil.Error:
        return Use()
    seconds = times.user + times.system + times.children_user + times.children_system
    return Use(int(memory.rss), int(getattr(memory, "data", 0)), seconds)


def waits_for_processor(pid: int) -> bool:
    """Return whether a thread of a process runs, or would run if a processor or disk were free."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return False
    for thread in threads:
        try:
            stat = Path(f"/proc/{pid}/task/{thread}/stat").read_text(
                encoding="ascii", errors="replace"
            )
        except OSError:
            continue
        if stat.rpartition(")")[2].split()[0] in ("R", "D"):
            return True
    return False


def share(pid: int) -> int:
    """Return the proportional set size of a process (PSS): shared memory is divided."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return use(pid).resident
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return use(pid).resident


def threads_of(user: int) -> int | None:
    """Return how many threads a user runs on this machine; None where that cannot be known."""
    count = 0
    try:
        entries = os.listdir("/proc")
    except OSError:
        return None
    for entry in entries:
        if entry.isdigit():
            try:
                if os.stat(f"/proc/{entry}").st_uid == user:
                    count += len(os.listdir(f"/proc/{entry}/task"))
            except OSError:
                continue
    return count


def remove(folder: str | Path, seconds: float = math.inf) -> None:
    """Remove a folder with all that a student's code left in it, as far as there is time.

    It may be deeper than Python's recursion, and than a path can be long, and hold folders without
    permissions: each folder is moved up to the outermost one before it is emptied, so that the time
    grows with the number of entries alone. Nothing outside it is changed, and no link is followed.
    """
    root = _opened(str(folder))
    if root is None:
        return
    ends = time.monotonic() + seconds
    names = (f"{os.urandom(8).hex()}-{number}" for number in itertools.count())
    try:
        waiting = _emptied_of_files(root, ends)
        while waiting and time.monotonic() < ends:
            name = waiting.pop()
            inner = _opened(name, root)
            if inner is None:
                continue
            try:
                waiting += _moved(_emptied_of_files(inner, ends), inner, root, names)
            finally:
                os.close(inner)
            with suppress(OSError):
                os.rmdir(name, dir_fd=root)
    finally:
        os.close(root)
    with suppress(OSError):
        os.rmdir(folder)


def _opened(name: str, above: int | None = None) -> int | None:
    """Open a folder, with all permissions for its owner; None if that is not possible."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    for _ in range(2):
        try:
            number = os.open(name, flags, dir_fd=above)
        except PermissionError:
            with suppress(OSError):
                os.chmod(name, 0o700, dir_fd=above)
            continue
        except OSError:
            return None
        with suppress(OSError):
            os.fchmod(number, 0o700)
        return number
    return None


def _emptied_of_files(folder: int, ends: float) -> list[str]:
    """Remove everything in an open folder but its folders, and return their names."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_folder in found:
        if not is_folder and time.monotonic() < ends:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
    return [name for name, is_folder in found if is_folder]


def _moved(folders: list[str], inner: int, root: int, names: Iterator[str]) -> list[str]:
    """Move folders from one open folder into another one, and return their new names."""
    moved = []
    for name in folders:
        for _ in range(2):
            fresh = next(names)
            try:
                os.rename(name, fresh, src_dir_fd=inner, dst_dir_fd=root)
            except PermissionError:  # a folder that is moved must be writable
                with suppress(OSError):
                    os.chmod(name, 0o700, dir_fd=inner)
            except OSError:
                break
            else:
                moved.append(fresh)
                break
    return moved
