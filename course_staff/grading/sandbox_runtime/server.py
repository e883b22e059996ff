"""Server process that imports TensorFlow once and forks a worker for each submission.

It is started with the number of a socket and a :class:`View` as JSON. Each request on the socket
comes with two sockets: one for the questions to the worker, and one on which its supervisor reports
how it ended. No student's code runs in this process.

server ── supervisor (process 1 of its own namespaces) ── worker (a student's code)
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Iterator

from course_staff.grading.sandbox_runtime import linux, supervisor
from course_staff.grading.sandbox_runtime.supervisor import View

#: Modules that are imported when they are first used, as by every worker.
_USED_BY_ALL = ("encodings.ascii", "numpy.ma", "numpy.random")
#: The maximum number of bytes of a request.
_LARGEST = 65536


def main(control: socket.socket, view: View) -> None:
    """Answer requests until the scoring process ends."""
    linux.HERE = view.linux
    os.chdir(view.home)
    from course_staff.grading.sandbox_runtime import worker

    worker.prepare()
    _import(_USED_BY_ALL)
    linux.adopt_orphans()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps them
    linux.set_dumpable(False)  # workers of the same user cannot look into this process
    control.sendall(b"ready\n")
    os.dup2(os.open("/dev/null", os.O_WRONLY), 2)  # nobody reads what is said from here on
    while True:
        data, descriptors = b"", list[int]()
        with contextlib.suppress(OSError):
            data, descriptors, *_ = socket.recv_fds(control, _LARGEST, 2)
        if len(descriptors) != 2:
            os._exit(0)  # the scoring process is gone
        request = json.loads(data)
        _import(name for name in _of_others(request["preload"]) if name not in sys.modules)
        channel, status = (socket.socket(fileno=number) for number in descriptors)
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, or too little memory, on this machine
            supervisor.tell(status, {"failed": str(error)})
            pid = -1
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


def _import(names: Iterable[str]) -> None:
    """Import modules once and for all, so that their memory is shared with the workers."""
    fresh = False
    for name in names:
        fresh = True
        with contextlib.suppress(Exception):  # their own import will say what is wrong
            importlib.import_module(name)
    if fresh:
        gc.collect()
        gc.freeze()  # what is shared with the workers stays shared


_looked_up: dict[str, list[str]] = {}


def _of_others(names: list[str]) -> Iterator[str]:
    """Yield the modules to import once for all workers: never the course's own.

    A worker imports the course from a copy of its own, which may lack what a question forbids. So
    no function of the course may be in the memory that workers inherit, only what its rooms import.
    """
    yield from (name for name in names if not name.startswith("course_utils."))
    for name in names:  # after the others, which a process that looks it up then need not import
        if name.startswith("course_utils."):
            if name not in _looked_up:
                _looked_up[name] = _imported_by(name)
            yield from _looked_up[name]


def _imported_by(name: str) -> list[str]:
    """Return the modules of other packages that a module imports, using a separate process."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            known = set(sys.modules)
            importlib.import_module(name)
            fresh = [module for module in list(sys.modules) if module not in known]
            text = "\n".join(
                module for module in fresh if module.partition(".")[0] != "course_utils"
            )
            with open(writing, "w", encoding="utf-8") as end:
                end.write(text)
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as end:
        return end.read().split()


def start(arguments: list[str]) -> None:
    """Start the server with the number of the socket and the JSON of the view."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the scoring process
    main(socket.socket(fileno=int(arguments[0])), View(**json.loads(arguments[1])))
