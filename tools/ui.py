# SPDX-License-Identifier: MIT
"""The output of the tools: steps with their duration, progress, and errors of one sentence."""

import contextlib
import os
import subprocess
import sys
import time


class Fail(Exception):
    """An error that one sentence explains; the command ends with status 2.

    detail: what to show above the sentence, such as the end of a log.
    """

    def __init__(self, sentence, detail=""):
        super().__init__(sentence)
        self.detail = detail


class Skip(Exception):
    """What cannot be shown here, and why: a result of its own."""


def say(text):
    # In one piece: several threads say something.
    print(f"{text}\n", end="", flush=True)


def warn(text):
    print(f"dev: warning: {text}", file=sys.stderr, flush=True)


def duration(seconds):
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


@contextlib.contextmanager
def step(what, quiet=False):
    """Announce a step that takes a while and say how long it took."""
    if not quiet:
        say(f"==> {what}")
    start = time.monotonic()
    yield
    if not quiet:
        say(f"    done in {duration(time.monotonic() - start)}")


def run_logged(argv, log, what, progress=None, every=10, stop=subprocess.Popen.terminate, **kwargs):
    """Run a command with its output in a log file, with a sign of life every few seconds.

    progress is called for the text of that sign, stop to end the command when this one is interrupted.
    """
    start = time.monotonic()
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "wb") as out:
        child = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, **kwargs)
        try:
            while True:
                try:
                    status = child.wait(every)
                    break
                except subprocess.TimeoutExpired:
                    text = progress() if progress else last_line(log)
                    say(f"    {duration(time.monotonic() - start)}: {text}")
        except BaseException:
            stop(child)
            child.wait()
            raise
    if status:
        raise Fail(f"{what} failed with status {status}; the whole log is {log}", tail(log, 25))


def tail(path, lines):
    with open(path, errors="replace") as f:
        return "".join(f.readlines()[-lines:])


def last_line(path):
    lines = tail(path, 1).strip().splitlines()
    return lines[-1][-100:] if lines else "working"
