# SPDX-License-Identifier: MIT
"""Runs tests inside the machine. The host names the tests, until no test is left.

Each test runs in a separate process with a time limit. A test also fails if the kernel reports a fault or bounces DMA
meanwhile. The guest and the host exchange JSON objects through a port, one on each line. The host answers {"next": true}
with {"tests": [...], "boards": [...]}: tests of one machine, and the numbers of its boards. The host does not answer a
result.
--detectors: for the debug kernel. The reports of its detectors at the end are a separate result.
"""

import contextlib
import ctypes
import glob
import io
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
import traceback

import declare
import detectors
import lib
from bounces import Bounces
from drivers import Drivers
from kernel_log import KernelLog

PORT = "/dev/virtio-ports/cmacam.tests"
MNT_DETACH = 2          # sys/mount.h
LOOK = 10               # seconds between two looks at the kernel's log
libc = ctypes.CDLL(None, use_errno=True)


class Host:
    """The host, which names the tests to run and counts their results."""

    def __init__(self):
        self._port = os.open(PORT, os.O_RDWR)

    def _send(self, message):
        line = json.dumps(message).encode() + b"\n"
        while line:
            line = line[os.write(self._port, line):]

    def next(self):
        self._send({"next": True})
        line = b""
        while not line.endswith(b"\n"):
            more = os.read(self._port, 4096)
            if not more:
                raise EOFError("the host does not listen any more")
            line += more
        return json.loads(line)

    def result(self, name, outcome, seconds, said):
        self._send({"name": name, "outcome": outcome, "seconds": seconds, "said": said[-8000:]})


def check(status):
    """Raise an OSError if a function of libc failed."""
    if status:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def empty_tmp():
    """Mount an empty /tmp, because the order of the tests differs from run to run."""
    check(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None))
    try:
        yield
    finally:
        check(libc.umount2(b"/tmp", MNT_DETACH))


def run_isolated(function, limit, meanwhile):
    """Run a function in a child process. Returns ("ok" | "not ok" | "skip", its output).

    meanwhile: called from time to time while the child runs.
    """
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os._exit(call(function))
        status, waits = wait(child, limit, meanwhile)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if status is None:
        return "not ok", f"{said}\n{waits}\nno end within {limit} s"
    return {0: "ok", 77: "skip"}.get(status, "not ok"), said


def call(function):
    try:
        function()
        status = 0
    except declare.Skip as reason:
        print(reason)
        status = 77
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def what_waits(group):
    """Each thread of a process group, and the place in the kernel where it waits."""
    found = []
    for path in sorted(glob.glob("/proc/[0-9]*/task/[0-9]*")):
        with contextlib.suppress(OSError):      # one that has ended meanwhile
            if os.getpgid(int(path.split("/")[2])) != group:
                continue
            comm, call, stack = (pathlib.Path(path, name).read_text() for name in ("comm", "syscall", "stack"))
            where = " < ".join(re.findall(r"\] (\w+)\+", stack)[:6])
            found.append(f"{path.split('/')[2]} {comm.strip()}: syscall {' '.join(call.split()[:2])}: {where}")
    return "\n".join(found)


def wait(child, limit, meanwhile):
    """The exit status of the child, whose process group ends with it; or None at the limit, and the places where it waits."""
    end = time.monotonic() + limit
    pidfd = os.pidfd_open(child)
    try:
        import select
        ready = []
        while not ready and (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([pidfd], [], [], min(left, LOOK))
            meanwhile()
        waits = "" if ready else what_waits(child)
    finally:
        os.close(pidfd)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ready else None, waits


class Runner:
    """Runs the tests of one machine, one after the other."""

    def __init__(self):
        self.host = Host()
        self.log = KernelLog()
        self.bounces = Bounces()
        self.drivers = Drivers()

    def group(self, tests, boards):
        """Run tests that need the same machine."""
        lib.see_boards(boards)
        self.drivers.forget()
        for test in tests:
            start = time.monotonic()
            outcome, said = self.load(test, boards) or self.run(test)
            self.host.result(test.full_name, outcome, round(time.monotonic() - start, 1), said)

    def load(self, test, boards):
        """Load the drivers that the test needs. Returns the error if this failed."""
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                self.drivers.suit(test.machine, boards)
        except Exception:
            return "not ok", f"the drivers were not loaded\n{said.getvalue()}{traceback.format_exc()}"
        complaints = self.log.complaints(test.provokes)
        return ("not ok", "the kernel complained:\n" + "\n".join(complaints)) if complaints else None

    def run(self, test):
        lib.mark_log(f"test {test.full_name}")
        try:
            for number in range(lib.board_count()):
                lib.Board(number).set(**test.settings)
        except (AssertionError, OSError) as error:
            return "not ok", f"a board does not take the settings of the test: {error}"
        if os.path.exists(lib.PARAMETERS):
            lib.vb2_cma(sync="auto", backend="auto", mmap="populate", attribute="cached")
        complaints = []
        with empty_tmp():
            # A long test may write more messages than the kernel's log has room for.
            outcome, said = run_isolated(test.function, test.limit * lib.SLOWER,
                                         lambda: complaints.extend(self.log.complaints(test.provokes)))
        complaints += self.log.complaints(test.provokes) + self.bounces.complaints(test.provokes)
        if complaints:
            return "not ok", said + "\nthe kernel complained:\n" + "\n".join(complaints)
        return outcome, said


def main(ask_detectors):
    runner = Runner()
    known = {}
    last = ""
    complaints = runner.log.complaints()
    if complaints:
        runner.host.result("boot.kernel_log", "not ok", 0, "\n".join(complaints))
    wrong = detectors.arm() if ask_detectors else []
    while (work := runner.host.next())["tests"]:
        for subject in {name.split(".")[0] for name in work["tests"]} - {name.split(".")[0] for name in known}:
            known.update({test.full_name: test for test in declare.tests_of(subject)})
        runner.group([known[name] for name in work["tests"]], work["boards"])
        last = work["tests"][-1]
    if ask_detectors:
        start = time.monotonic()
        wrong += detectors.verdict()
        wrong += runner.log.complaints()
        runner.host.result(f"detectors_after.{last}", "not ok" if wrong else "ok", round(time.monotonic() - start, 1),
                           "\n".join(wrong))


main("--detectors" in sys.argv[1:])
