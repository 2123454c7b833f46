# SPDX-License-Identifier: MIT
"""Measures the cost of a running consumer. Reads the counters of the kernel between two frames.

The measurement adds nothing to the cost, because it runs outside the consumer's process. Each figure is
the difference between two looks at a consumer that waits for its next frame. So the figures contain only
whole frames and no start-up.
"""

import contextlib
import glob
import os
import re
import signal
import struct
import time

PAGE = os.sysconf("SC_PAGESIZE")
STATISTICS = "/sys/kernel/debug/v4l2/cmacam-*/statistics"
POLL, LOOKS_APART = 0.02, 0.004
SOFT_DIRTY, PRESENT = 1 << 55, 1 << 63
CROWD = 20   # frames
RUN = 16     # pages in a row: a shorter run is too small for a picture


class Unsteady(Exception):
    """There is no reliable figure. The message is the reason."""


def node(name):
    """Returns the path of the video node that has this name in sysfs."""
    for path in sorted(glob.glob("/sys/class/video4linux/*/name")):
        with open(path) as f:
            if f.read().strip() == name:
                return "/dev/" + path.split("/")[-2]
    raise Unsteady(f"no video node is called {name}: is the driver loaded?")


def frames_finished():
    """Returns the number of frames that the engine has finished since streaming began."""
    paths = sorted(glob.glob(STATISTICS))
    if not paths:
        raise Unsteady(f"no {STATISTICS}: is debugfs mounted?")
    with open(paths[0]) as f:
        return captured(f.read())


def captured(statistics):
    """Returns the number of frames of the main capture node.

    The statistics file of a driver with several nodes has the name of the node before its numbers.
    """
    return int(re.search(r"^(?:cmacam-capture )?frames (\d+)\b", statistics, re.M)[1])


def wait_for(condition, what, limit):
    """Polls condition() until it is true, and returns its value. Raises Unsteady after limit seconds."""
    end = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() > end:
            raise Unsteady(f"within {limit} s, this did not happen: {what}")
        time.sleep(POLL)
    return value


class Thread:
    """The counters of one thread. They are exact only while the thread sleeps."""

    def __init__(self, folder):
        with open(f"{folder}/status") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        self.name, self.state = status["Name"], status["State"][0]
        self.voluntary = int(status["voluntary_ctxt_switches"])
        self.involuntary = int(status["nonvoluntary_ctxt_switches"])
        with open(f"{folder}/schedstat") as f:
            self.cpu_ns = int(f.read().split()[0])

    @property
    def counts(self):
        return self.cpu_ns, self.voluntary, self.involuntary


class Look:
    """A snapshot of the threads of a process, and of the number of frames that the engine has finished."""

    def __init__(self, pid):
        self.frames = frames_finished()
        self.threads = {int(tid): Thread(f"/proc/{pid}/task/{tid}") for tid in os.listdir(f"/proc/{pid}/task")}
        with open(f"/proc/{pid}/stat") as f:
            words = f.read().rpartition(")")[2].split()
        self.faults = int(words[7]) + int(words[9])   # minor and major

    def same(self, other):
        return self.frames == other.frames and self.threads.keys() == other.threads.keys() and not self.busy(other)

    def busy(self, other):
        """Returns the names of the threads that ran between the two looks, or that do not sleep."""
        return [thread.name for tid, thread in self.threads.items()
                if thread.state != "S" or tid not in other.threads or thread.counts != other.threads[tid].counts]


class Consumer:
    """A process that streams from the camera."""

    def __init__(self, pid, limit):
        self.pid, self._limit = pid, limit

    def look(self):
        """Returns a look at a moment when the consumer waits for its next frame.

        The consumer waits if two looks in sequence are equal. Raises Unsteady if there was no such moment
        during CROWD frames, or if no frame arrives within the time limit.
        """
        end, busy = frames_finished() + CROWD, []
        latest = time.monotonic() + self._limit
        while frames_finished() < end:
            if time.monotonic() > latest:
                raise Unsteady(f"for {self._limit} s, the consumer neither waited for a frame nor got one")
            with contextlib.suppress(FileNotFoundError):   # a thread that ended meanwhile
                first = Look(self.pid)
                time.sleep(LOOKS_APART)
                second = Look(self.pid)
                if first.frames and first.same(second):
                    return second
                busy = first.busy(second)
        raise Unsteady(f"during {CROWD} frames, there was no moment at which the consumer waited for its next frame, "
                       f"because of: {', '.join(busy) or 'the high frame rate'}")

    def window(self, frames):
        """Returns two looks, (before, after), with at least this number of frames between them."""
        before = self.look()
        wait_for(lambda: frames_finished() >= before.frames + frames, f"{frames} frames arrive", self._limit)
        after = self.look()
        if before.threads.keys() != after.threads.keys():
            raise Unsteady("threads started or ended during the measurement, so the costs of these threads are not known")
        return before, after

    def cost(self, frames):
        """Measures the CPU time, context switches and page faults of all threads."""
        before, after = self.window(frames)
        threads = [[thread.name, *(b - a for a, b in zip(before.threads[tid].counts, thread.counts))]
                   for tid, thread in after.threads.items()]
        cpu, voluntary, involuntary = (sum(thread[i] for thread in threads) for i in (1, 2, 3))
        return {"frames": after.frames - before.frames, "cpu_ns": cpu, "voluntary": voluntary,
                "involuntary": involuntary, "faults": after.faults - before.faults,
                "threads": sorted(threads, key=lambda thread: -thread[1])}

    def written(self, tries=10):
        """Returns the number of bytes that the process wrote for one frame; None if the kernel cannot report it.

        Counts only runs of pages that are long enough for a picture. A copy by the CPU is always counted,
        because each copy writes memory, whichever library calls memcpy().
        """
        if not soft_dirty_works():
            return None
        for _ in range(tries):
            before = self.look()
            with self._frozen():
                with open(f"/proc/{self.pid}/clear_refs", "w") as f:
                    f.write("4")
                if frames_finished() != before.frames:
                    continue
            wait_for(lambda: frames_finished() > before.frames, "a frame arrives", self._limit)
            after = self.look()
            with self._frozen():
                if frames_finished() == after.frames == before.frames + 1:
                    return sum(runs(self.pid)) * PAGE
        raise Unsteady("the frame rate is too high to measure the bytes written for each frame")

    @contextlib.contextmanager
    def _frozen(self):
        """Stops the process in the block, because reading the flags of all its pages takes longer than a frame."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            wait_for(lambda: all(thread.state == "T" for thread in Look(self.pid).threads.values()),
                     "all threads of the consumer stop", self._limit)
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


def soft_dirty_works():
    """Returns whether this kernel reports written pages (CONFIG_MEM_SOFT_DIRTY): whether it reports one of ours."""
    probe = bytearray(PAGE)
    with open("/proc/self/clear_refs", "w") as f:
        f.write("4")
    probe[:] = b"\1" * PAGE
    return any(length for length in runs(os.getpid(), shortest=1))


def runs(pid, shortest=RUN):
    """Yields the length of each run of pages that a process wrote since its soft-dirty bits were cleared."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pagemap:
        for line in maps:
            addresses, access = line.split(maxsplit=2)[:2]
            if "w" not in access or line.endswith("[vsyscall]\n"):
                continue
            start, end = (int(address, 16) // PAGE for address in addresses.split("-"))
            pagemap.seek(start * 8)
            data = pagemap.read((end - start) * 8)
            yield from dirty_runs(struct.unpack(f"<{len(data) // 8}Q", data), shortest)


def dirty_runs(entries, shortest):
    """Yields the length of each run of present, soft-dirty pages in the entries of a pagemap."""
    length = 0
    for entry in (*entries, 0):
        if entry & PRESENT and entry & SOFT_DIRTY:
            length += 1
            continue
        if length >= shortest:
            yield length
        length = 0
