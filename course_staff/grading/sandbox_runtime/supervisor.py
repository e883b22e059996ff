"""Start one worker in isolation, wait for its end, and clean up after it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from course_staff.grading.sandbox_runtime import linux

#: The user that a worker becomes where the grader was started by root.
NOBODY = 65534
_PERIOD = 0.2
#: The share of a period that a worker must have computed for the whole of it to count as busy.
_BUSY = 0.25


@dataclass(frozen=True)
class View:
    """The configuration of the sandbox, set by the scoring process.

    Attributes
    ----------
    level : str
        ``"bubblewrap"`` or ``"limits"``.
    home : str
        The folder in which a worker may write.
    warm : str
        Where a worker sees the cache that was filled before any student's code ran.
    copies : str
        The folder with copies of the package without the functions that a question forbids.
    linux : bool
        Whether to use features that only Linux has.
    """

    level: str
    home: str
    warm: str = ""
    copies: str = ""
    linux: bool = True


def start(
    channel: socket.socket, status: socket.socket, view: View, request: dict[str, Any]
) -> None:
    """Leave the server's namespaces, and start the supervisor in new ones.

    Called in a process of its own, which then ends. What cannot be isolated is told over `status`
    and no worker is started.
    """
    try:
        linux.set_dumpable(True)  # else the kernel lets nobody write the maps of users
        if view.level != "limits":
            flags = linux.NEW_PID | linux.NEW_MOUNT | linux.NEW_NET | linux.NEW_IPC
            user, group = os.geteuid(), os.getegid()
            if user == 0:
                linux.unshare(flags)
            else:
                linux.unshare(flags | linux.NEW_USER)
                linux.map_own_user(user, group)
        if os.fork() == 0:
            _supervise(channel, status, view, request)
    except OSError as error:
        tell(status, {"failed": str(error)})


def _supervise(
    channel: socket.socket, status: socket.socket, view: View, request: dict[str, Any]
) -> None:
    try:
        os.setsid()
        if view.level == "limits":
            linux.adopt_orphans()
            home = tempfile.mkdtemp(dir=view.home)
            if os.geteuid() == 0:
                os.chown(home, NOBODY, NOBODY)
        else:
            home = view.home
            _own_files(view, warm=request["warm"])
            _own_copy(view, request["course"])
            linux.read_only("/")
        linux.set_dumpable(False)
        began = time.monotonic()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_worker(channel, status, view, home, request, parent)
        channel.close()
        told = _wait(pid, status, view, request)
        told["seconds"] = round(time.monotonic() - began, 3)
        _end_all(view)
        tell(status, told)
        if home != view.home:
            linux.remove(home)
    except BaseException as error:
        tell(status, {"failed": f"{type(error).__name__}: {error}"})
    finally:
        _end_all(view)
        os._exit(0)  # in namespaces of its own, the kernel now ends whatever is left


def _own_files(view: View, warm: bool) -> None:
    """Give this worker a list of processes, a home, and shared memory of its own.

    A worker that warms up runs no student's code: it keeps the server's home, and what it leaves
    in the cache there is shown, read-only, to those that come later.
    """
    user = NOBODY if os.geteuid() == 0 else os.geteuid()
    group = NOBODY if os.geteuid() == 0 else os.getegid()
    linux.make_private()
    linux.processes()
    linux.temporary("/dev/shm", 2**24, 0o1777, user, group)
    if warm:
        os.chown(view.home, user, group)
    else:
        work = os.path.join(view.home, "work")
        cache = os.path.join(work, "cache")
        known = os.path.isdir(cache)
        if known:
            linux.bind(cache, view.warm)
        linux.temporary(view.home, 2**29, 0o700, user, group)
        for kind in os.listdir(view.warm) if known else ():
            for folder in (work, cache, f"{cache}/{kind}"):
                os.makedirs(folder, exist_ok=True)
                os.chown(folder, user, group)
            for entry in os.listdir(f"{view.warm}/{kind}"):
                os.symlink(f"{view.warm}/{kind}/{entry}", f"{cache}/{kind}/{entry}")
    if not os.listdir("/tmp"):  # where Python itself lives below /tmp, that stays read-only
        linux.temporary("/tmp", 2**28, 0o1777, user, group)


def _own_copy(view: View, name: str) -> None:
    """Put the copy of the package that this worker gets in place of the whole one."""
    if name:
        import course_utils

        copy = os.path.join(view.copies, name, "course_utils")
        linux.bind(copy, course_utils.__path__[0])
    linux.temporary(view.copies, 2**16)  # the other copies are out of sight
    linux.read_only(view.copies)


def _become_worker(
    channel: socket.socket,
    status: socket.socket,
    view: View,
    home: str,
    request: dict[str, Any],
    parent: int,
) -> None:
    from course_staff.grading.sandbox_runtime import worker

    try:
        try:
            _let_go(view, home)
            linux.end_with_parent(parent)
            _limit(view, request)
            linux.refuse_calls()
        except BaseException as error:
            tell(status, {"failed": f"{type(error).__name__}: {error}"})
            raise
        status.close()
        if home != view.home:  # the variables of the server name the folder around all homes
            os.environ.update(HOME=home, TMPDIR=home, COURSE_WORK=os.path.join(home, "work"))
        worker.main(channel, home, {**request, "level": view.level, "copies": view.copies})
    finally:
        os._exit(linux.NO_ANSWER)  # never back into the code of the server


def _let_go(view: View, home: str) -> None:
    """Change from root to the user nobody, and drop all capabilities."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        if view.level != "limits":  # so that each worker's processes are counted apart
            linux.set_dumpable(True)
            linux.unshare(linux.NEW_USER)
            linux.map_own_user(NOBODY, NOBODY)
    linux.drop_capabilities()
    linux.set_dumpable(True)
    if not os.access(os.__file__, os.R_OK):
        raise PermissionError(
            "Python lies in a folder that the user nobody cannot read; start the grader as an "
            "ordinary user, or install bubblewrap"
        )
    if not os.access(home, os.W_OK | os.X_OK):
        raise PermissionError(
            "the folder for temporary files is closed to the user nobody; name another one by "
            "TMPDIR, or start the grader as an ordinary user"
        )
    os.umask(0o077)


def _limit(view: View, request: dict[str, Any]) -> None:
    limits = request["limits"]
    wanted = {
        "RLIMIT_DATA": limits["memory"],
        "RLIMIT_NPROC": limits["processes"],
        "RLIMIT_FSIZE": limits["file_size"],
        "RLIMIT_CPU": limits["cpu"],
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 512,
        "RLIMIT_MEMLOCK": 65536,
        "RLIMIT_MSGQUEUE": 0,
    }
    if view.level == "limits":  # the kernel counts all processes of this user together
        running = linux.threads_of(os.geteuid())
        if running is None:
            del wanted["RLIMIT_NPROC"]
        else:
            wanted["RLIMIT_NPROC"] += running
    for name, value in wanted.items():
        kind = getattr(resource, name, None)  # not every system has every limit
        if kind is not None:
            _, hard = resource.getrlimit(kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


class _Account:
    """The resources of a worker and its descendants, sampled in short periods.

    Attributes
    ----------
    resident, data : int
        The most bytes that all of them had in use, and that one of them could write to.
    busy : float
        Seconds in which at least one of them computed, or waited for a processor or the disk.
    """

    def __init__(self, pid: int, view: View) -> None:
        self._pid, self._apart = pid, view.level != "limits"
        self._seconds, self._last = 0.0, time.monotonic()
        self.resident, self.data, self.busy = 0, 0, 0.0

    def look(self, most: int) -> bool:
        """Record what is used now; return whether it is more memory than `most`."""
        family = {self._pid, *(_everyone() if self._apart else linux.below(self._pid))}
        used = [linux.use(pid) for pid in family]
        resident = sum(usage.resident for usage in used)
        if resident > most:  # what they share was counted for each
            resident = sum(linux.share(pid) for pid in family)
        self.resident = max(self.resident, resident)
        self.data = max(self.data, *(usage.data for usage in used))
        now, seconds = time.monotonic(), sum(usage.seconds for usage in used)
        passed, computed = now - self._last, max(0.0, seconds - self._seconds)
        if computed >= _BUSY * passed or any(map(linux.waits_for_processor, family)):
            computed = passed
        self.busy += computed
        self._seconds, self._last = seconds, now
        return resident > most

    def totals(self, used: resource.struct_rusage) -> dict[str, Any]:
        """Return what was used in the end, for the scoring process."""
        return {
            "cpu": round(used.ru_utime + used.ru_stime, 3),
            "peak": max(self.resident, used.ru_maxrss * 1024),
            "data": self.data,
        }


def _wait(pid: int, status: socket.socket, view: View, request: dict[str, Any]) -> dict[str, Any]:
    """Wait until the worker ends, uses too much memory, or is no longer needed."""
    account = _Account(pid, view)
    events = select.poll()
    events.register(status, select.POLLIN | select.POLLHUP)
    with contextlib.suppress(OSError, AttributeError):
        events.register(os.pidfd_open(pid), select.POLLIN)
    while True:
        happened = events.poll(_PERIOD * 1000)
        done, code, used = os.wait4(pid, os.WNOHANG)
        if done == pid:
            break
        too_much = account.look(request["limits"]["memory_of_all"])
        asked = any(number == status.fileno() for number, _ in happened)
        wanted = not asked or _answered(status, account)
        if too_much or not wanted:
            os.kill(pid, signal.SIGKILL)
            _, code, used = os.wait4(pid, 0)
            return {"ended": "memory" if too_much else "not wanted", **account.totals(used)}
        _reap(pid)
    if os.WIFSIGNALED(code):
        return {"ended": "signal", "signal": os.WTERMSIG(code), **account.totals(used)}
    return {"ended": "exit", "code": os.WEXITSTATUS(code), **account.totals(used)}


def _answered(status: socket.socket, account: _Account) -> bool:
    """Answer the scoring process; return False if it no longer needs the worker."""
    try:
        asked = status.recv(1)
    except OSError:
        return False
    if asked == linux.HOW_BUSY:
        tell(status, {"busy": round(account.busy, 3)})
    return bool(asked)


def _everyone() -> list[int]:
    """Return all processes of this namespace but the supervisor."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and entry != "1"]


def _reap(besides: int) -> None:
    """Reap orphans that ended, so that they do not count as processes."""
    while hasattr(os, "waitid"):
        try:
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None or found.si_pid == besides:
            return
        os.waitpid(found.si_pid, os.WNOHANG)


def _end_all(view: View) -> None:
    """Kill, at level limits, every process that the worker left, and wait for its end."""
    if view.level != "limits":
        return
    for _ in range(50):
        left = linux.below(os.getpid())
        if not left:
            return
        for process in left:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


def tell(status: socket.socket, what: dict[str, Any]) -> None:
    """Send the scoring process one line of JSON."""
    with contextlib.suppress(OSError):
        status.sendall(json.dumps(what).encode() + b"\n")
