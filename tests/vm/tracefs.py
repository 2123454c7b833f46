# SPDX-License-Identifier: MIT
"""The kernel's trace events while a block runs, as a list. A lost event is an error, because counts would be wrong."""

import contextlib
import dataclasses
import glob
import os
import re

import lib

TRACEFS = "/sys/kernel/tracing"
LINE = re.compile(r"\s*.+-(?P<pid>\d+)\s+\[\d+\]\s+\S+\s+(?P<time>[\d.]+): (?P<name>\w+): (?P<said>.*)")


@dataclasses.dataclass(frozen=True)
class Event:
    name: str
    pid: int
    time: float
    said: str

    @property
    def fields(self):
        return lib.fields(self.said)


class Trace:
    """Collects events between enter and exit. `events` has them after exit; read() returns the events so far.

    names: "group:event" for one event, or "group" for all events of a group.
    """

    def __init__(self, *names, kilobytes=8192):
        self._names = names
        self._folder = f"{TRACEFS}/instances/cmacam-{os.getpid()}"
        self._kilobytes = kilobytes
        self.events = []

    def __enter__(self):
        # The names of tasks would come from a probe in the scheduler. To switch that on and off rewrites code that all CPUs
        # run at that moment, and an emulated CPU may still run the breakpoint that was there meanwhile: the kernel dies.
        with open(f"{TRACEFS}/options/record-cmd", "w") as f:
            f.write("0")
        os.mkdir(self._folder)
        try:
            self._write("buffer_size_kb", self._kilobytes)
            for name in self._names:
                self._write(f"events/{name.replace(':', '/')}/enable", 1)
            self._write("tracing_on", 1)
        except BaseException:
            os.rmdir(self._folder)
            raise
        return self

    def __exit__(self, kind, *exc):
        self._write("tracing_on", 0)
        lost = self._lost()
        self.read()
        with contextlib.suppress(OSError):
            for name in self._names:
                self._write(f"events/{name.replace(':', '/')}/enable", 0)
        os.rmdir(self._folder)
        if kind is None:
            assert not lost, f"events were lost: {lost}"

    def read(self):
        with open(f"{self._folder}/trace") as f:
            self.events = [parse(line) for line in f if not line.startswith("#")]
        return self

    def named(self, name, **fields):
        """The events of a name whose fields have these values."""
        wanted = {key: str(value) for key, value in fields.items()}.items()
        return [e for e in self.events if e.name == name and wanted <= e.fields.items()]

    def _write(self, file, value):
        with open(f"{self._folder}/{file}", "w") as f:
            f.write(str(value))

    def _lost(self):
        lost = {}
        for path in glob.glob(f"{self._folder}/per_cpu/cpu*/stats"):
            with open(path) as f:
                counts = dict(line.split(": ") for line in f.read().splitlines() if ": " in line)
            for key in ("overrun", "commit overrun", "dropped events"):
                if int(counts[key]):
                    lost[f"{path.split('/')[-2]} {key}"] = int(counts[key])
        return lost


def parse(line):
    match = LINE.fullmatch(line.rstrip("\n"))
    assert match, f"not a trace event: {line!r}"
    return Event(match["name"], int(match["pid"]), float(match["time"]), match["said"])
