# SPDX-License-Identifier: MIT
"""The output of the tools: steps with their duration, progress, and errors of one sentence."""

import contextlib
import os
import subprocess
import sys
import time


class Fail(Exception):
    """An error that one sentence explains. The command ends with status 2.

    detail: text to print before the sentence, such as the end of a log.
    """

    def __init__(self, sentence, detail=""):
        super().__init__(sentence)
        self.detail = detail


class Skip(Exception):
    """A test that cannot run here, with the reason. A skip is counted as a separate result."""


def say(text):
    # In one piece: several threads say something.
    print(f"{text}\n", end="", flush=True)


def warn(text):
    print(f"dev: warning: {text}", file=sys.stderr, flush=True)


def duration(seconds):
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds) // 60} min {int(seconds) % 60} s"


@contextlib.contextmanager
def step(what, quiet=False):
    """Announce a long step, and print its duration at the end."""
    if not quiet:
        say(f"==> {what}")
    start = time.monotonic()
    yield
    if not quiet:
        say(f"    done in {duration(time.monotonic() - start)}")


def run_logged(argv, log, what, progress=None, every=10, stop=subprocess.Popen.terminate, **kwargs):
    """Run a command with its output in a log file, and print its progress every few seconds.

    progress: returns the text of the progress. stop: ends the command when this program is interrupted.
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
