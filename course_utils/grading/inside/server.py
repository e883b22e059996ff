"""The process that imports TensorFlow once, and forks a worker for each submission.

It is started with the number of a socket and a JSON text, :class:`View`. Over the socket come
requests, each with two sockets of its own: one over which the worker is asked, and one over which
its supervisor says how it ended. No student's code runs in this process.

server ── supervisor (process 1 of its own namespaces) ── worker (a student's code)
"""

from __future__ import annotations

import array
import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.grading.inside import linux, supervisor

#: The most bytes of a request.
_LARGEST = 65536


@dataclass(frozen=True)
class View:
    """What the sandbox is, as the scoring process decided it.

    Attributes
    ----------
    level : str
        ``"bubblewrap"``, ``"namespaces"`` or ``"limits"``.
    home : str
        The folder in which a worker may write.
    warm : str
        Where a worker sees what was computed for all, before the first student's code ran.
    copies : str
        The folder with copies of the package that lack what a question forbids.
    show : list of [source, target]
        What is seen, read-only, where this process builds its own view (level "namespaces").
    hide : list of str
        Folders below what is shown that must not be seen, unless they are shown themselves.
    links : list of [text, target]
        Symbolic links to make in that view.
    root : str
        An empty folder on which that view is built.
    linux : bool
        Whether to use what only Linux has.
    then : list of str
        The command that goes on as this process, once its view is built.
    """

    level: str
    home: str
    warm: str = ""
    copies: str = ""
    show: list[list[str]] = field(default_factory=list)
    hide: list[str] = field(default_factory=list)
    links: list[list[str]] = field(default_factory=list)
    root: str = ""
    linux: bool = True
    then: list[str] = field(default_factory=list)


def build_view(view: View) -> None:
    """Put this process into namespaces of its own where only what `view` names is seen."""
    user, group = os.geteuid(), os.getegid()
    flags = linux.NEW_MOUNT | linux.NEW_NET | linux.NEW_IPC | linux.NEW_UTS
    if user == 0:
        linux.unshare(flags)
    else:
        linux.unshare(flags | linux.NEW_USER)
        linux.map_own_user(user, group)
    linux.make_private()
    linux.temporary(view.root, 2**24, user=user, group=group)
    for source, target in view.show:
        _show(source, view.root + target)
    for hidden in view.hide:
        linux.temporary(view.root + hidden, 2**20, user=user, group=group)
        for source, target in view.show:
            if Path(target).is_relative_to(hidden):
                _show(source, view.root + target)
    for text, target in view.links:
        os.makedirs(os.path.dirname(view.root + target), exist_ok=True)
        os.symlink(text, view.root + target)
    os.makedirs(view.root + "/proc")
    linux.bind_as_it_is("/proc", view.root + "/proc")
    os.makedirs(view.root + "/dev/shm", exist_ok=True)
    for name in ("null", "zero", "full", "random", "urandom"):
        Path(view.root + "/dev/" + name).touch()
        linux.bind_as_it_is("/dev/" + name, view.root + "/dev/" + name)
    os.makedirs(view.root + view.warm)
    os.makedirs(view.root + view.home)
    linux.temporary(view.root + view.home, 2**31, 0o755, user, group)
    os.makedirs(view.root + "/tmp", exist_ok=True)
    linux.change_root(view.root)


def _show(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        Path(target).touch()
    linux.bind(source, target)


def main(control: socket.socket, view: View) -> None:
    """Answer requests until the scoring process goes away."""
    linux.HERE = view.linux
    if view.then:
        build_view(view)
        os.set_inheritable(control.fileno(), True)
        os.execv(view.then[0], view.then)  # what was read from elsewhere is gone with this
    os.chdir(view.home)
    from course_utils.grading.inside import worker

    worker.prepare()
    linux.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    linux.set_dumpable(False)  # workers of the same user cannot look into this process
    control.sendall(b"ready\n")
    os.dup2(os.open("/dev/null", os.O_WRONLY), 2)  # nobody reads what is said from here on
    while True:
        data, descriptors = _receive(control)
        if len(descriptors) != 2:
            os._exit(0)  # the scoring process is gone
        request = json.loads(data)
        for name in _of_others(request["preload"]):
            with contextlib.suppress(Exception):  # their own import will say what is wrong
                importlib.import_module(name)
        gc.collect()
        gc.freeze()  # what is shared with the workers stays shared
        channel, status = (socket.socket(fileno=number) for number in descriptors)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                control.close()
                supervisor.start(channel, status, view, request)
                code = 0
            finally:
                os._exit(code)
        channel.close()
        status.close()


_looked_up: dict[str, list[str]] = {}


def _of_others(names: list[str]) -> list[str]:
    """Modules to import once for all workers: never the course's own.

    A worker imports the course from a copy of its own, which may lack what a question forbids. So
    no function of the course may be in the memory that workers inherit, only what its rooms import.
    """
    found = [name for name in names if not name.startswith("course_utils.")]
    for name in names:
        if name.startswith("course_utils."):
            if name not in _looked_up:
                _looked_up[name] = _imported_by(name)
            found += _looked_up[name]
    return found


def _imported_by(name: str) -> list[str]:
    """The modules of other packages that a module imports, found out in a process of its own."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            known = set(sys.modules)
            importlib.import_module(name)
            fresh = [one for one in list(sys.modules) if one not in known]
            text = "\n".join(one for one in fresh if one.partition(".")[0] != "course_utils")
            with open(writing, "w", encoding="utf-8") as end:
                end.write(text)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as end:
        return end.read().split()


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    descriptors = array.array("i")
    try:
        data, extra, _, _ = control.recvmsg(_LARGEST, socket.CMSG_SPACE(2 * descriptors.itemsize))
    except OSError:
        return b"", []
    for level, kind, content in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) // 4 * 4])
    return data, list(descriptors)


def start(arguments: list[str]) -> None:
    """Start with the number of the socket and the JSON of the view."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scoring process
    main(socket.socket(fileno=int(arguments[0])), View(**json.loads(arguments[1])))
