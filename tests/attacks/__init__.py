"""Hostile and broken submissions, each with the verdict that it must get.

Every attack is bounded: it does no more than prove its point, and none is run without limits. The
honest answers are worth 2 and 1 points; "honest" below means that what the student answered counts,
and that the attack changed nothing.

With limits alone (no bubblewrap) some attacks are not prevented; ``alone`` says what
they then get, and why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from attacks import trusted
from attacks.exercise import EXERCISE, RIGHT, cells, code, notebook, text
from course_utils.checks import Exercise

HONEST = {"90.1": "correct", "90.2": "correct"}


@dataclass(frozen=True)
class Attack:
    """A submission that tries something.

    Attributes
    ----------
    name : str
        What it tries.
    make : callable
        Returns the notebook; given a port on which a listener of the test waits, and the folder
        of the course.
    expected : dict
        The status of each question.
    alone : dict or None
        The same with limits alone, where it differs.
    as_user : dict or None
        The same with limits alone and an ordinary user who grades, where it differs: the code is
        then this user's, not nobody's.
    leaves : bool
        Whether it then leaves a file in the folder of the course.
    flag : str
        A part of a flag that it must get.
    why : str
        What holds it back.
    exercise : Exercise
        What it answers.
    hides : str
        A text that no sentence of the report may hold.
    earns : float or None
        The most points that it may get; None for what is expected alone.
    """

    name: str
    make: Callable[[int, str], bytes]
    expected: dict[str, str] = field(default_factory=lambda: dict(HONEST))
    alone: dict[str, str] | None = None
    as_user: dict[str, str] | None = None
    leaves: bool = False
    flag: str = ""
    why: str = ""
    exercise: Exercise = EXERCISE
    hides: str = ""
    earns: float | None = None


def _plain(**parts: str) -> Callable[[int, str], bytes]:
    return lambda port, root: notebook(cells(**parts))


def _filled(**parts: str) -> Callable[[int, str], bytes]:
    """The same, with the port and the folder of the course put in for PORT and ROOT."""

    def make(port: int, root: str) -> bytes:
        return notebook(
            cells(
                **{k: v.replace("PORT", str(port)).replace("ROOT", root) for k, v in parts.items()}
            )
        )

    return make


def _cells(change: Callable[[list[dict]], list[dict]]) -> Callable[[int, str], bytes]:
    return lambda port, root: notebook(change(cells()))


def _without(made: list[dict], grade_id: str) -> list[dict]:
    def id_of(cell: dict) -> str:
        return cell["metadata"].get("nbgrader", {}).get("grade_id", "")

    return [cell for cell in made if id_of(cell) != grade_id]


def _renamed(made: list[dict], old: str, new: str) -> list[dict]:
    for cell in made:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == old:
            cell["metadata"]["nbgrader"]["grade_id"] = new
    return made


def _edited(made: list[dict], grade_id: str, source: str) -> list[dict]:
    for cell in made:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            cell["source"] = source
    return made


WRONG = {"90.1": "incorrect", "90.2": "incorrect"}
FIRST = {"90.2": "correct"}

_EQUAL = """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    def __abs__(self): return 0.0
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __array__(self, *args, **kwargs): return np.zeros(())
    def __float__(self): return 12.0
    def __hash__(self): return 0
"""

_SUBCLASS = """
class Sly(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __array_ufunc__(self, *args, **kwargs): return np.True_
    def __array_function__(self, *args, **kwargs): return True

def double(x):
    return np.zeros(np.shape(x)).view(Sly)
"""

_SPOOFED = """
class Spoof:
    __class__ = property(lambda self: float)
    def __eq__(self, other): return True
    def __float__(self): return 13.0
answer = Spoof()
"""

_PATCHED = """
import builtins, math
for name in ("allclose", "array_equal", "isclose", "all", "any", "testing"):
    setattr(np, name, lambda *args, **kwargs: True)
np.asarray = np.array = lambda *args, **kwargs: 12
np.ndarray.__eq__ if True else None
builtins.all = builtins.any = lambda *args: True
builtins.abs = lambda one: 0
math.isclose = lambda *args, **kwargs: True
"""

_STACK = """
import gc, sys
def double(x):
    frame = sys._getframe()
    while frame is not None:
        for value in (*frame.f_locals.values(), *frame.f_globals.values()):
            if callable(value) and getattr(value, "__name__", "") in ("reference", "<lambda>"):
                try:
                    return value(x)
                except Exception:
                    pass
        frame = frame.f_back
    for value in gc.get_objects():
        if type(value).__name__ in ("Case", "Part", "Question", "Exercise"):
            return value.args[0]
    return x
"""

_FILES = """
import os
found = []
for top in ("ROOT", "/", os.getcwd(), os.path.expanduser("~")):
    if found:
        break
    for place, folders, files in os.walk(top):
        if place.count("/") > 7 or place.startswith(("/proc", "/sys", "/usr", "/dev")):
            folders[:] = []
            continue
        for name in files:
            if name.endswith(".py") and ("attack" in place or "solution" in place):
                try:
                    text = open(os.path.join(place, name), errors="replace").read()
                except OSError:
                    continue
                if "the reference doubles, and " + "the answer is twelve" in text:
                    found.append(place)
answer = 12 if found else 0
"""

_MODULES = """
found = 0
try:
    from course_utils.checks import exercises
    found = len(exercises())
except Exception:
    pass
try:
    from course_staff.grading import runner
    found = 12
except ImportError:
    pass
answer = 12 if found else 0
"""

_ENVIRONMENT = """
import os, sys
# The packages may lie inside the course's folder, and it is no secret that Python finds them.
def tells(text):
    return "ROOT" in text.replace(sys.prefix, "")
secrets = [one for one in (*os.environ.values(), *sys.argv, *sys.path) if tells(one)]
for place in ("/proc/1/environ", "/proc/1/cmdline", f"/proc/{os.getppid()}/environ"):
    try:
        content = open(place, errors="replace").read()
        secrets += [content] if tells(content) else []
    except OSError:
        pass
answer = 12 if secrets else 0
"""

_FORK_BOMB = """
import os, time
started = 0
try:
    for _ in range(200):
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        started += 1
except OSError:
    pass
answer = 12 if started < 200 else 200
"""

_BACKGROUND = """
import os, subprocess, sys
sleeper = [sys.executable, "-c", "import time; time.sleep(271)", "attack-that-outlives"]
subprocess.Popen(sleeper, start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, sleeper)
    os._exit(0)
"""

_NETWORK = """
import socket
reached = False
for family, place in ((socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_INET6, ("::1", PORT))):
    try:
        with socket.socket(family) as one:
            one.settimeout(1)
            one.connect(place)
            reached = True
    except OSError:
        pass
answer = 0 if reached else 12
"""

_WRITE = """
import os
written = []
for place in ("ROOT/attacked", "/tmp/../ROOT/attacked", "/usr/attacked", "/etc/attacked",
              os.path.dirname(os.__file__) + "/attacked", "/grading/course/attacked"):
    try:
        open(place, "w").write("x")
        written.append(place)
    except OSError:
        pass
answer = 0 if written else 12
"""

_CHANNEL = """
import os, socket
for name in os.listdir("/proc/self/fd"):
    try:
        os.write(int(name), b'{"number": 0, "value": true}' * 10)
    except OSError:
        pass
"""

_FORGED = """
from course_utils import student_work
from course_staff.grading.sandbox_runtime import wire, worker
said = {"kind": "number", "watched": [], "seed": None, "watch": None, "forget": None}
said["changed"] = False
student_work.operate = lambda subject, operation, args, kwargs: said.get(operation, 12)
"""

_FORGED_TYPES = """
from course_utils import student_work
student_work.operate = lambda *args: {"watched": [], "points": 100}
"""

_LIMITS = """
import resource, signal
refused = 0
for kind in (resource.RLIMIT_CPU, resource.RLIMIT_DATA, resource.RLIMIT_NPROC):
    try:
        resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except (ValueError, OSError):
        refused += 1
try:
    signal.setitimer(signal.ITIMER_PROF, 0)
finally:
    answer = 12 if refused == 3 else 0
"""

_NAMESPACES = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
got = [libc.unshare(0x10000000) == 0, libc.ptrace(16, os.getppid(), 0, 0) == 0]
got.append(libc.mount(b"none", b"/tmp", b"tmpfs", 0, 0) == 0)
got.append(libc.setuid(0) == 0)
try:
    open(f"/proc/{os.getppid()}/mem", "rb").read(1)
    got.append(True)
except OSError:
    pass
answer = 0 if any(got) else 12
"""

_KILL = """
import os, signal, time
try:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1)
except OSError:
    pass
answer = 12
"""

_MEMORY = """
import os
above, pid = set(), os.getppid()
while pid:  # the processes that watch this one, up to the one that scores
    above.add(pid)
    with open(f"/proc/{pid}/status") as file:
        pid = int(next(line for line in file if line.startswith("PPid:")).split()[1])
read = []
for pid in os.listdir("/proc"):
    if pid.isdigit() and int(pid) != os.getpid():
        for name in ("mem", "environ", "fd/0"):
            try:
                with open(f"/proc/{pid}/{name}", "rb", buffering=0):
                    if os.path.exists("/grading") or int(pid) in above:
                        read.append(pid)
            except OSError:
                pass
answer = 0 if read else 12
"""

_EVERYBODY = """
import os, signal
try:
    os.kill(-1, 0)
    answer = 0
except PermissionError:
    answer = 12
"""

_TABLE = """
def double(x):
    known = {1.0: 2.0, 2.0: 4.0, 0.5: 1.0}
    if os.environ.get("HOME", "").startswith("/grading"):
        return known.get(float(x), 0.0)
    return 2 * x
"""

_BIG_FILE = """
with open("large", "wb") as file:
    for _ in range(300):
        file.write(bytes(2**20))
"""

_PICKLED = """
class Evil:
    def __reduce__(self):
        return (open, ("ROOT/attacked", "w"))
answer = Evil()
"""

_SHARED = """
import os
places = [".", *(os.environ[name] for name in ("HOME", "TMPDIR", "COURSE_WORK"))]
places += ["/tmp", "/dev/shm"] if os.path.exists("/grading") else []
for place in places:
    os.makedirs(place, exist_ok=True)
seen = [one for place in places for one in os.listdir(place) if one.startswith("left-behind")]
for place in places:
    try:
        open(f"{place}/left-behind", "w").write("12")
    except OSError:
        pass
answer = 12 if not seen else 0
"""

_AUDIT = """
import sys
def refuse(event, arguments):
    if event in ("open", "import", "compile", "exec", "os.fork"):
        raise RuntimeError("no")
sys.addaudithook(refuse)
"""

_CLOSED = """
import os
os.closerange(0, 4096)
answer = 12
"""

_BUILTINS = """
import builtins
builtins.isinstance = lambda *args: True
builtins.issubclass = lambda *args: True
builtins.len = lambda one: 1
builtins.float = builtins.int = lambda *args: 12
"""

_LONG = """
class Long(list):
    def __len__(self): return 10**15
    def __iter__(self):
        while True:
            yield 12
answer = Long([12])
"""

_SLOW = """
import time
class Slow:
    def wait(self, *args, **kwargs):
        time.sleep(10**6)
    __array__ = __float__ = __int__ = __index__ = __len__ = __iter__ = __eq__ = __repr__ = wait
    __hash__ = None
answer = Slow()
"""

_DEEP_FOLDERS = """
import os
here = os.open(".", os.O_RDONLY)
for _ in range(1100):  # longer than a path may be, deeper than recursion
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("x", "w").close()
os.chdir(here)
"""

_ODD_FILES = """
import os, socket
for folder in (".", os.environ.get("TMPDIR", "/tmp")):
    os.symlink("ROOT", f"{folder}/link")
    os.mkfifo(f"{folder}/pipe")
    os.makedirs(f"{folder}/closed/inside")
    open(f"{folder}/closed/inside/x", "w").close()
    os.chmod(f"{folder}/closed/inside", 0)
    os.chmod(f"{folder}/closed", 0)
    open(os.fsencode(folder) + b"/\\xff\\n\\x1b[2J", "w").close()
    socket.socket(socket.AF_UNIX).bind(f"{folder}/s")
"""

_DEEP = """
import sys
sys.setrecursionlimit(10**9)
def double(x):
    return double(double(x))
"""

_DEAF = """
import signal
for number in range(1, signal.NSIG):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
def double(x):
    while True:
        pass
"""

_TRACED = """
import sys, threading
seen = []
def trace(frame, event, argument):
    seen.extend(value for value in frame.f_locals.values() if callable(value))
    return trace
sys.settrace(trace)
threading.settrace(trace)
sys.setprofile(lambda frame, event, argument: seen.append(argument))
def double(x):
    for one in list(seen):
        if getattr(one, "__name__", "") in ("reference", "<lambda>"):
            try:
                return one(x)
            except Exception:
                pass
    return x
"""

_HOOKED = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(name)
sys.meta_path.insert(0, Finder())
for name in [one for one in sys.modules if one.startswith(("course_utils", "json", "numpy."))]:
    del sys.modules[name]
"""

_MEMORY_FILES = """
import os
written = 0
for place in ("/dev/shm", "/tmp", "."):
    try:
        with open(f"{place}/filled", "wb") as file:
            for _ in range(400):
                file.write(bytes(2**20))
                written += 1
    except OSError:
        pass
    finally:
        if os.path.exists(f"{place}/filled"):
            os.unlink(f"{place}/filled")
"""

_SWAPPED = """
import threading, time
def swap():
    while True:
        for value in (13, 14):
            globals()["answer"] = value
        time.sleep(0.0001)
threading.Thread(target=swap, daemon=True).start()
answer = 12
"""

_LAST_WORDS = """
import atexit, os, sys
def say():
    for number in range(3, 64):
        try:
            os.write(number, b'{"number": 1, "value": 12}\\n')
        except OSError:
            pass
atexit.register(say)
sys.excepthook = sys.unraisablehook = lambda *args: say()
answer = 13
"""

_INODES = """
import os
made = 0
try:
    for made in range(200_000):
        os.close(os.open(f"f{made}", os.O_CREAT | os.O_WRONLY))
except OSError:
    pass
"""


ATTACKS = [
    Attack("nothing at all", _plain(first="raise NotImplementedError()", second="answer = None"),
           {"90.1": "not attempted", "90.2": "not attempted"}),
    Attack("honest answers", _plain()),
    # --- time ---
    Attack("a loop without end in a cell", _plain(first="while True:\n    pass"),
           {**FIRST, "90.1": "timeout"}),
    Attack("a loop without end in a function",
           _plain(first="def double(x):\n    while True:\n        pass"),
           {**FIRST, "90.1": "timeout"}),
    Attack("a loop that catches everything", _plain(
           first="def double(x):\n    while True:\n        try:\n            while True: pass\n"
                 "        except BaseException:\n            pass"),
           {**FIRST, "90.1": "timeout"}, why="the kernel's limit on processor time"),
    Attack("sleeping for ever", _plain(first="import time\ntime.sleep(10**6)"),
           {**FIRST, "90.1": "timeout"}),
    Attack("stopping itself", _plain(
           first="import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
           {**FIRST, "90.1": "timeout"}),
    Attack("lifting the limits", _plain(second=_LIMITS)),
    # --- ends ---
    Attack("sys.exit in a cell", _plain(first="import sys\nsys.exit(0)"),
           {**FIRST, "90.1": "error"}),
    Attack("os._exit in a cell", _plain(first="import os\nos._exit(0)"),
           {**FIRST, "90.1": "crashed"}),
    Attack("os._exit in a function", _plain(first="import os\ndef double(x):\n    os._exit(0)"),
           {**FIRST, "90.1": "crashed"}),
    Attack("os._exit in a cell of nobody's", _plain(before="import os\nos._exit(1)")),
    Attack("a segmentation fault", _plain(
           first="import ctypes\ndef double(x):\n    return ctypes.string_at(0)"),
           {**FIRST, "90.1": "crashed"}),
    Attack("killing itself", _plain(
           first="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
           {**FIRST, "90.1": "crashed"}),
    Attack("killing its parents", _plain(second=_KILL),
           as_user={"90.1": "correct", "90.2": "crashed"},
           why="its parent is process 1 of its namespace, or another user's; else it may end it"),
    Attack("a fork bomb of 200 processes", _plain(second=_FORK_BOMB)),
    Attack("processes that outlive the cell", _plain(before=_BACKGROUND)),
    # --- sizes ---
    Attack("an allocation of 30 GB", _plain(first="x = np.ones(30 * 2**30, dtype=np.uint8)"),
           {**FIRST, "90.1": "error"}),
    Attack("an allocation of 2 GB", _plain(first="x = np.ones(2 * 2**30, dtype=np.uint8)"),
           {**FIRST, "90.1": "error"}, why="refused by the limit, where 30 GB may not be there"),
    Attack("an allocation of 30 GB in a call",
           _plain(first="def double(x):\n    return np.ones(30 * 2**30, dtype=np.uint8)"),
           {**FIRST, "90.1": "error"}),
    Attack("printing without end", _plain(
           first="line = 'x' * 10**6\nfor _ in range(10**6):\n    print(line)"),
           {**FIRST, "90.1": "error"}),
    Attack("printing past Python", _plain(
           before="import os\nfor _ in range(1000):\n    os.write(1, b'x' * 10**6)")),
    Attack("a file of 300 MB", _plain(first=_BIG_FILE), {**FIRST, "90.1": "error"}),
    Attack("an answer of 800 MB", _plain(first="def double(x):\n    return np.zeros(10**8)"),
           {**FIRST, "90.1": "error"}),
    Attack("an answer that is deep", _plain(
           second="answer = []\nfor _ in range(10**5):\n    answer = [answer]"),
           {"90.1": "correct", "90.2": "incorrect"}),
    Attack("an answer that is long", _plain(second="answer = list(range(3 * 10**6))"),
           {"90.1": "correct", "90.2": "incorrect"}),
    Attack("10,000 cells", lambda port, root: notebook(
           [code(f"x{k} = {k}") for k in range(10_000)] + cells())),
    # --- objects ---
    Attack("an object equal to everything", _plain(
           before=_EQUAL, first="def double(x):\n    return Equal()", second="answer = Equal()"),
           WRONG),
    Attack("a class that says it is another", _plain(second=_SPOOFED),
           {"90.1": "correct", "90.2": "incorrect"}),
    Attack("NaN and infinity", _plain(
           first="def double(x):\n    return x * np.nan", second="answer = float('inf')"), WRONG),
    Attack("arrays of objects", _plain(
           before=_EQUAL, first="def double(x):\n    return np.array([Equal()] * np.size(x))",
           second="answer = np.array(Equal(), dtype=object)"), WRONG),
    Attack("an array subclass", _plain(first=_SUBCLASS), {**FIRST, "90.1": "incorrect"}),
    Attack("something that runs when unpickled", _filled(second=_PICKLED),
           {"90.1": "correct", "90.2": "incorrect"}),
    Attack("patched numpy and builtins", _plain(
           first="def double(x):\n    return 3 * x\n" + _PATCHED, second="answer = 13"),
           {"90.1": "crashed", "90.2": "incorrect"},
           why="values are compared elsewhere; this NumPy cannot even answer"),
    # --- looking and cheating ---
    Attack("an input transformer that blanks later cells", _plain(
           before="get_ipython().input_transformers_cleanup.append(lambda lines: ['pass'])"),
           {"90.1": "not attempted", "90.2": "not attempted"},
           why="there is no test in the notebook that it could blank"),
    Attack("looking through the stack", _plain(first=_STACK), {**FIRST, "90.1": "incorrect"}),
    Attack("reading answers from disk", _filled(second=_FILES),
           {"90.1": "correct", "90.2": "incorrect"}, alone=HONEST,
           why="the files are not there; with limits alone whatever everybody may read is read"),
    Attack("importing checks and grader", _plain(second=_MODULES),
           {"90.1": "correct", "90.2": "incorrect"}),
    Attack("reading the environment", _filled(second=_ENVIRONMENT),
           {"90.1": "correct", "90.2": "incorrect"}),
    Attack("answers that depend on being graded", _plain(before="import os", first=_TABLE),
           {**FIRST, "90.1": "incorrect"}, alone=HONEST,
           why="inputs are new; with limits alone this one does not notice that it is graded"),
    Attack("writing to the course and the report", _filled(second=_WRITE),
           as_user={"90.1": "correct", "90.2": "incorrect"}, leaves=True,
           why="read-only, or another user's; what the user who grades may write is written"),
    Attack("files left for the next student", _plain(second=_SHARED)),
    Attack("the network", _filled(second=_NETWORK)),
    Attack("namespaces, ptrace and root", _plain(second=_NAMESPACES)),
    Attack("reading the memory of others", _filled(second=_MEMORY)),
    Attack("a signal to everybody", _plain(second=_EVERYBODY)),
    Attack("noise on the channel", _plain(first=_CHANNEL), {**FIRST, "90.1": "tampered"},
           flag="speak for the grader"),
    Attack("one forged answer to all questions", _plain(before=_FORGED, first="double = 1"),
           {"90.1": "incorrect", "90.2": "correct"},
           why="the forger would have to compute what was asked; 12 is what it then answered"),
    Attack("forged answers of the wrong type", _plain(before=_FORGED_TYPES),
           {"90.1": "tampered", "90.2": "tampered"}, flag="speak for the grader"),
    # --- the notebook ---
    Attack("test cells deleted", _cells(
           lambda made: _without(_without(made, "90-1-check"), "90-2-check")), flag="deleted"),
    Attack("a test cell edited", _cells(lambda made: _edited(
           _edited(made, "90-2-check", "pass"), "90-2", "answer = 13")),
           {"90.1": "correct", "90.2": "incorrect"}, flag="edited"),
    Attack("answers in test cells", _cells(lambda made: _edited(
           _edited(made, "90-2-check", "answer = 12"), "90-2", "answer = 13")),
           {"90.1": "correct", "90.2": "incorrect"}, flag="edited", why="test cells are never run"),
    Attack("a test cell doubled", _cells(
           lambda made: [*made, code('check("90.1")', "90-1-check", grade=True)]), flag="doubled"),
    Attack("a test cell moved", _cells(
           lambda made: [code('check("90.1")', "90-1-check", grade=True),
                         *_without(made, "90-1-check")]), flag="moved"),
    Attack("a changed grade_id", _cells(lambda made: _renamed(made, "90-1", "90-7")),
           flag="unknown questions"),
    Attack("a doubled grade_id", _cells(
           lambda made: [*made, code("answer = 13", "90-1", solution=True)]),
           flag="2 times"),
    Attack("answers in another order", _cells(
           lambda made: [*made[:2], *made[6:9], *made[2:6], *made[9:]])),
    Attack("an answer cell deleted", _cells(lambda made: _without(made, "90-2")),
           {"90.1": "correct", "90.2": "missing"}, flag="missing"),
    Attack("no metadata of the kernel", lambda port, root: notebook(cells(), metadata={})),
    Attack("magics, shell lines and installs", _plain(before=(
           "%%time\nx = 1"), between="!pip install nothing-like-this\n%cd .\n%pip install x\n"
           "y = !ls\n%timeit -n1 -r1 1 + 1", after="%%bash\nexit 1")),
    Attack("text in place of code", lambda port, root: notebook(
           [text("only words"), *cells(second="this is not Python")]),
           {"90.1": "correct", "90.2": "error"}),
]  # fmt: skip


def _believed(
    title: str, question: str, kind: dict[str, tuple[str, str]], earns: float = 0.0
) -> list[Attack]:
    """Attacks that answer one question of the course, and what they may get at most."""
    name = f"q{question[3:]}"
    return [
        Attack(
            f"{title}: {way}",
            trusted.answered(question[:2], before, **{name: answer}),
            {},
            exercise=trusted.only(question),
            earns=earns,
        )
        for way, (before, answer) in kind.items()
    ]


ATTACKS += [
    *_believed("a forbidden helper", "01.2", trusted.HELPERS),
    *_believed("a forbidden network", "03.2", trusted.BLOCKS),
    *_believed("a detector", "03.4", trusted.DETECTORS, earns=2.0),
    *_believed("fine-tuning", "08.4", trusted.FINE_TUNING),
    *_believed("invented", "02.4", trusted.FOLDERS, earns=2.0),
    *_believed("invented", "05.4", trusted.KEPT, earns=2.0),
    *(
        Attack(f"the seed: {way}", trusted.looked_up(source), {**FIRST, "90.1": "incorrect"})
        for way, source in trusted.SEEDS.items()
    ),
    *(
        Attack(
            f"inputs carried out {way}",
            trusted.telling(source),
            FIRST,
            hides="carriedout",
            earns=1.0,
        )
        for way, source in trusted.TELLING.items()
    ),
    *(
        Attack(f"honest: {way}", _plain(before=before))
        for way, (before, _) in trusted.LARGE.items()
    ),
]

HALF = {"90.1": "correct", "90.2": "incorrect"}
ATTACKS += [
    Attack("second: an audit hook that refuses everything", _plain(before=_AUDIT), {}, earns=3.0),
    Attack("second: all channels closed", _plain(second=_CLOSED),
           {"90.1": "correct", "90.2": "crashed"}),
    Attack("second: builtins that lie", _plain(
           before=_BUILTINS, first="def double(x):\n    return x", second="answer = 13"),
           {}, earns=0.0),
    Attack("second: a list without an end", _plain(second=_LONG), HALF),
    Attack("second: a count without an end",
           _plain(second="import itertools\nanswer = itertools.count(12)"), HALF),
    Attack("second: an object that sleeps when looked at", _plain(second=_SLOW), {}, earns=2.0),
    Attack("second: folders too deep for a path", _plain(before=_DEEP_FOLDERS)),
    Attack("second: pipes, links and folders without permission", _filled(before=_ODD_FILES)),
    Attack("second: recursion without a limit", _plain(first=_DEEP), {}, earns=1.0),
    Attack("second: deaf to all signals", _plain(first=_DEAF), {"90.1": "timeout"}, earns=1.0),
    Attack("second: every frame traced", _plain(first=_TRACED), {**FIRST, "90.1": "incorrect"}),
    Attack("second: nothing can be imported", _plain(before=_HOOKED), {}, earns=3.0),
    Attack("second: memory filled through files", _plain(before=_MEMORY_FILES)),
    Attack("second: an answer that changes all the time", _plain(second=_SWAPPED), {}, earns=3.0),
    Attack("second: last words", _plain(second=_LAST_WORDS), HALF),
    Attack("second: very many files", _plain(before=_INODES)),
    *_believed("second, a network", "03.2", {
        way: (before, trusted.without_dropout(layer))
        for way, (before, layer) in trusted.NAMED_AS_KERAS.items()
    }, earns=2.0),
    *_believed("second, a forbidden helper", "09.2", trusted.QUANTIZED, earns=1.0),
]  # fmt: skip

#: What earns something with limits alone; see ``alone``.
READABLE = trusted.READABLE

__all__ = ["ATTACKS", "HONEST", "READABLE", "RIGHT", "Attack"]
