# SPDX-License-Identifier: MIT
"""Runs tests inside the machine: guest.py [--detectors NAME] FULL_NAME...

Each test runs in a process of its own with a time limit, and fails also when the kernel
complains meanwhile. One line per test goes to the terminal, one JSON object per test to
/run/cmacam/results, which the host counts: a test without one has failed.
--detectors: on the debug kernel; what its detectors say at the end is a result of that name.
"""

import json
import os
import signal
import sys
import tempfile
import time
import traceback

import declare
import detectors
import lib
from kernel_log import KernelLog

RESULTS = "/run/cmacam/results"


def run_isolated(function, limit):
    """Run in a child; ("ok" | "not ok" | "skip", what it said)."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
            os._exit(call(function))
        status = wait(child, limit)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if status is None:
        return "not ok", f"{said}\nno end within {limit} s"
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


def wait(child, limit):
    """Exit status of the child; its whole group ends with it, or at the limit."""
    end = time.monotonic() + limit
    pidfd = os.pidfd_open(child)
    try:
        import select
        ready, _, _ = select.select([pidfd], [], [], max(0, end - time.monotonic()))
    finally:
        os.close(pidfd)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) if ready else None


def main(names):
    log = KernelLog()
    asked = names[1] if names[0] == "--detectors" else ""
    names = names[2:] if asked else names
    with open(RESULTS, "a", buffering=1) as results:
        def result(name, outcome, seconds, said):
            json.dump({"name": name, "outcome": outcome, "seconds": seconds, "said": said}, results)
            results.write("\n")
            print(f"{outcome:6} {name} ({seconds:.1f} s)", flush=True)
            if outcome != "ok":
                print("".join(f"       {line}\n" for line in said.strip().splitlines()[-40:]), end="", flush=True)

        tests = {test.full_name: test for subject in {name.split(".")[0] for name in names}
                 for test in declare.tests_of(subject)}
        provoked = "|".join({tests[n].provokes for n in names if tests[n].provokes})
        before = log.complaints(provoked)
        if before:
            result("boot.kernel_log", "not ok", 0, "\n".join(before))
        wrong = detectors.arm() if asked else []
        for name in names:
            start = time.monotonic()
            for number in range(lib.board_count()):
                lib.Board(number).set(**tests[name].settings)
            if os.path.exists(lib.PARAMETERS):
                lib.vb2_cma(sync="auto", backend="auto", mmap="populate")
            outcome, said = run_isolated(tests[name].function, tests[name].limit * lib.SLOWER)
            complaints = log.complaints(tests[name].provokes)
            if complaints:
                outcome, said = "not ok", said + "\nthe kernel complained:\n" + "\n".join(complaints)
            result(name, outcome, round(time.monotonic() - start, 1), said)
        if asked:
            start = time.monotonic()
            wrong += detectors.verdict()
            wrong += log.complaints()
            result(asked, "not ok" if wrong else "ok", round(time.monotonic() - start, 1), "\n".join(wrong))


main(sys.argv[1:])
