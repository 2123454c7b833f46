# SPDX-License-Identifier: MIT
"""Reads the kernel's trace for ./dev bench frames: system calls by name, and the latency of frames."""

import collections
import contextlib
import glob
import os
import re

TRACEFS = "/sys/kernel/tracing"
# "task-7 [000] ..... 12.345678: name: text", or "name(text" of a system call's own event
LINE = re.compile(r"\s*.+-(?P<pid>\d+)\s+\[\d+\]\s+\S+\s+(?P<time>[\d.]+): (?P<name>\w+)(?:: |\()(?P<said>.*)")
CAPTURE = 1   # V4L2_BUF_TYPE_VIDEO_CAPTURE
NUMBERS = "/usr/include/{}-linux-gnu/asm/unistd_64.h"

# By type and number of the request, whatever the size of its argument.
IOCTLS = {("V", 15): "VIDIOC_QBUF", ("V", 17): "VIDIOC_DQBUF", ("V", 9): "VIDIOC_QUERYBUF", ("V", 89): "VIDIOC_DQEVENT",
          ("V", 71): "VIDIOC_G_EXT_CTRLS", ("V", 72): "VIDIOC_S_EXT_CTRLS", ("V", 27): "VIDIOC_G_CTRL",
          ("V", 28): "VIDIOC_S_CTRL", ("V", 16): "VIDIOC_EXPBUF", ("b", 0): "DMA_BUF_IOCTL_SYNC"}


class Broken(Exception):
    """The trace is incomplete or has an unknown line, so its events cannot be counted."""


class Trace:
    """An instance of the kernel's trace. The end of the with block removes it. events: {"group/event": filter or ""}"""

    def __init__(self, events, threads=(), kilobytes=16384):
        self._events, self._threads, self._kilobytes = events, threads, kilobytes
        self._folder = f"{TRACEFS}/instances/bench-{os.getpid()}"
        self.lines = []

    @property
    def marker(self):
        return f"{self._folder}/trace_marker"

    def __enter__(self):
        os.mkdir(self._folder)
        self._write("tracing_on", "0")
        self._write("buffer_size_kb", self._kilobytes)
        self._write("trace_clock", "mono")
        if self._threads:
            self._write("set_event_pid", " ".join(map(str, self._threads)))
        for event, condition in self._events.items():
            if condition:
                self._write(f"events/{event}/filter", condition)
            self._write(f"events/{event}/enable", 1)
        return self

    def __exit__(self, *exc):
        self._write("tracing_on", 0)
        for event in self._events:
            self._write(f"events/{event}/enable", 0)
        os.rmdir(self._folder)

    def start(self):
        self._write("tracing_on", 1)

    def stop(self):
        """Ends the recording and returns its lines. Raises Broken if the kernel lost events."""
        self._write("tracing_on", 0)
        for path in glob.glob(f"{self._folder}/per_cpu/cpu*/stats"):
            with open(path) as f:
                if re.search(r"^(overrun|dropped events): [1-9]", f.read(), re.M):
                    raise Broken("the kernel's trace buffer overran")
        with open(f"{self._folder}/trace", errors="replace") as f:
            return [line for line in f if not line.startswith("#")]

    def _write(self, file, value):
        with open(f"{self._folder}/{file}", "w") as f:
            f.write(str(value))


def events(lines):
    """Yields (pid, time in ns, name, text) of each event."""
    for line in lines:
        match = LINE.match(line)
        if not match:
            raise Broken(f"not a trace event: {line!r}")
        seconds, _, fraction = match["time"].partition(".")
        yield int(match["pid"]), int(seconds) * 10**9 + int(fraction.ljust(9, "0")), match["name"], match["said"]


def system_calls(lines, names):
    """Returns {name: count} of the events raw_syscalls/sys_enter. The name of an ioctl is that of its request."""
    counts = collections.Counter()
    for _, _, name, said in events(lines):
        match = re.match(r"NR (\d+) \(([^)]*)\)", said)
        if name != "sys_enter" or not match:
            raise Broken(f"not a system call: {name}: {said}")
        call = names.get(int(match[1]), f"system call {match[1]}")
        counts[ioctl_name(int(match[2].split(", ")[1], 16)) if call == "ioctl" else call] += 1
    return dict(counts.most_common())


def ioctl_name(request):
    kind, number = chr(request >> 8 & 0xff), request & 0xff
    return IOCTLS.get((kind, number), f"ioctl {kind!r} {number}")


def call_names():
    """Returns {number: name} of the system calls from the headers; empty if the headers are not installed."""
    with contextlib.suppress(FileNotFoundError), open(NUMBERS.format(os.uname().machine)) as f:
        return {int(number): name for name, number in re.findall(r"^#define __NR_(\w+)\s+(\d+)$", f.read(), re.M)}
    return {}


def latencies(lines, arrivals):
    """Returns the latency of each frame in ns.

    The latency starts when the driver's interrupt gives the frame to videobuf2, and ends when the consumer has
    the frame. arrivals: names of the events that the consumer causes when it has a frame. The first such event
    after a DQBUF belongs to the frame of the DQBUF.
    """
    finished, taken, found = {}, None, []
    for _, when, name, said in events(lines):
        words = dict(re.findall(r"(\w+) = (\S+?)(?:,|$)", said))
        if name in ("vb2_buf_done", "vb2_dqbuf") and int(words["type"]) != CAPTURE:
            continue
        if name == "vb2_buf_done":
            finished[words["timestamp"]] = when
        elif name == "vb2_dqbuf":
            taken = words["timestamp"]
        elif name in arrivals and taken in finished:
            found.append(when - finished.pop(taken))
    return found


def percentile(values, share):
    """Returns the smallest of the values such that at least this share of the values are not larger."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
