# SPDX-License-Identifier: MIT
"""Helpers of the tests inside the machine: running programs, the board, the driver's nodes."""

import contextlib
import functools
import glob
import hashlib
import json
import os
import re
import select
import subprocess
import time

from declare import Skip

CONTROL = "/dev/virtio-ports/cmacam.board."     # and the board's number
PROBES = "/build/tests/vm"
HEAP = "/dev/dma_heap/video-contiguous"         # vb2-cma's
SYSTEM_HEAP = "/dev/dma_heap/system"

# PCI IDs of a board: those of cmacam, and of the example minicam.
VENDOR, DEVICES = "0x1234", ("0xca3a", "0xca3b")

# By how much every limit grows, on a kernel that checks every access.
SLOWER = int(os.environ.get("CMACAM_SLOWER", "1"))
# What this machine's architecture or kernel lacks: {what: reason}. Tests that declare in `needs` what is missing are not sent.
LACKS = json.loads(os.environ.get("CMACAM_LACKS", "{}"))


PARAMETERS = "/sys/module/vb2_cma/parameters"
CHAPTER = "cmacam-tests:"


def vb2_cma(**parameters):
    """Set parameters of vb2-cma (sync, backend, mmap, attribute) for buffers allocated from now on.

    The runner sets the defaults before each test.
    """
    for name, value in parameters.items():
        with open(f"{PARAMETERS}/{name}", "w") as f:
            f.write(value)


@functools.cache
def has_fs_dax():
    """True if the kernel has CONFIG_FS_DAX, which decides how long-term pins of CMA memory fail (docs/memory.md).

    A function of fs/dax.c shows it. Debian's kernels do not contain their configuration.
    """
    return run(["grep", "-cw", "dax_iomap_fault", "/proc/kallsyms"], status=None).strip() != "0"


def vb2_cma_buffers():
    """A line for each buffer of vb2-cma that exists."""
    with open("/sys/kernel/debug/vb2-cma/buffers") as f:
        return f.read()


def heap():
    """Load vb2-cma's dma-heap. The module cannot be unloaded, so only tests that need the heap load it.

    If the module cannot be built for this kernel, the test is skipped.
    """
    module = "/build/drivers/media/vb2-cma-heap.ko"
    if "heap" in LACKS and not os.path.exists(module):
        raise Skip(LACKS["heap"])
    if not os.path.exists(HEAP):
        run(["insmod", module])


class WrongStatus(AssertionError):
    """A program ended with an unexpected status. out: its output."""

    def __init__(self, text, out):
        super().__init__(text)
        self.out = out


def run(command, limit=110, status=0, **kwargs):
    """Run a program to its end and check its status. Returns its output (stdout and stderr).

    status None: any status is allowed.
    """
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=limit * SLOWER, shell=isinstance(command, str), **kwargs)
    except subprocess.TimeoutExpired as late:
        print((late.stdout or b"").decode(errors="replace")[-6000:], flush=True)
        raise
    print(f"$ {command if isinstance(command, str) else ' '.join(command)}\n{done.stdout[-6000:]}", flush=True)
    if status is not None and done.returncode != status:
        raise WrongStatus(f"{command}: status {done.returncode}, wanted {status}", done.stdout)
    return done.stdout


def gtest(program, cases, least, limit=110, **env):
    """Run the cases of a GoogleTest program whose names fit a pattern. least: the smallest allowed number of cases.

    The text of the exception has the cases that failed, because they may be far from the end of the output.
    """
    try:
        out = run([program, f"--gtest_filter={cases}"], limit=limit, env={**os.environ, **env})
    except WrongStatus as ended:
        out = ended.out
        wrong = [text.strip() for text in re.findall(r"^\S+: Failure\n(?:(?!\[ ).*\n)*", out, re.M)]
        failed = dict.fromkeys(re.findall(r"^\[  FAILED  \] (\S+\.[^ ,\n]+)", out, re.M))
        if last := re.findall(r"^\[ RUN      \] (\S+)\n(?!(?:.*\n)*\[  (?:     OK|FAILED ) )", out, re.M):
            wrong.append(f"{last[-1]} did not end")
        raise AssertionError("\n".join([f"{', '.join(failed)}: {ended}", *wrong])) from None
    passed = re.findall(r"^\[       OK \]", out, re.M)
    assert len(passed) >= least, f"only {len(passed)} cases of {cases}"


def fields(line):
    """The key=value pairs of a line."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def number(text):
    return int(text, 0)


class Port:
    """A connection to a program outside the machine that answers commands."""

    def __init__(self, path, limit):
        # With nobody at the other end a write would wait for ever.
        self._port = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._limit = limit * SLOWER

    def __del__(self):
        os.close(self._port)

    def command(self, text):
        """Send one command. Returns the answer after "ok"."""
        assert select.select([], [self._port], [], self._limit)[1], f"nobody listens to {text!r}"
        os.write(self._port, (text + "\n").encode())
        answer = b""
        while not answer.endswith(b"\n"):
            assert select.select([self._port], [], [], self._limit)[0], f"no answer to {text!r}"
            more = os.read(self._port, 4096)
            assert more, f"{text!r}: the other end has gone"
            answer += more
        word, _, rest = answer.decode().strip().partition(" ")
        assert word == "ok", f"{text!r}: the answer is {answer.decode().strip()!r}"
        return rest


def mark_log(text):
    """Write a mark into the kernel's log. dmesg() shows the messages that follow the mark."""
    with open("/dev/kmsg", "w") as log:
        log.write(f"<6>{CHAPTER} {text}\n")


def dmesg(since="test"):
    """The kernel's messages since the test began, or with "drivers", since the drivers were last loaded before the test."""
    return run(["dmesg"]).rpartition(f"{CHAPTER} {since}")[2]


class Host(Port):
    """The host, which kills and starts boards. It needs a Machine with hotplug."""

    def __init__(self):
        super().__init__("/dev/virtio-ports/cmacam.host", 60)


def see_boards(numbers):
    """Set the boards of the machine that the test sees as its first board, second board and so on."""
    os.environ["CMACAM_TEST_BOARDS"] = " ".join(map(str, numbers))


def boards():
    """The numbers that the test's boards have among all boards of the machine."""
    chosen = os.environ.get("CMACAM_TEST_BOARDS")
    return list(range(all_boards())) if chosen is None else [int(word) for word in chosen.split()]


def all_boards():
    """The number of boards in the machine."""
    return len(glob.glob(f"{CONTROL}*"))


def board_count():
    """The number of boards that the test sees."""
    return len(boards())


class Board(Port):
    """A board's control port and its log."""

    def __init__(self, number=0):
        super().__init__(f"{CONTROL}{boards()[number]}", 10)

    def set(self, **settings):
        for key, value in settings.items():
            self.command(f"set {key.replace('_', '-')} {value}")

    @staticmethod
    def log_path(number=0):
        number = boards()[number]
        return f"/run/cmacam/board-{number}.log" if number else "/run/cmacam/board.log"

    @classmethod
    def _text(cls, number):
        with open(cls.log_path(number)) as f:
            return f.read()

    @classmethod
    def log(cls, number=0):
        return cls._text(number).splitlines()

    @classmethod
    def session(cls, channel=0, number=0):
        """The frames and losses of a channel since it was last enabled: ({sequence: frame}, {sequence: loss})."""
        frames, lost = {}, {}
        # The log has all that the board did since the machine was started.
        _, enabled, text = cls._text(number).rpartition(f"enable ch={channel} ")
        for line in text.splitlines()[1:] if enabled else ():
            kind = line.split(" ", 1)[0]
            entry = fields(line)
            if entry.get("ch") != str(channel):
                continue
            if kind == "frame":
                frames[int(entry["seq"])] = entry
            elif kind == "lost":
                lost[int(entry["seq"])] = entry
        return frames, lost

    @classmethod
    def by_nonce(cls, channel=0, number=0):
        """All frames that a channel has written: {nonce: frame}."""
        entries = [fields(line) for line in cls.log(number) if line.startswith(f"frame ch={channel} ")]
        return {entry["nonce"]: entry for entry in entries}


def nodes(name):
    """(folder of the device in sysfs, device node) of each board's entity with this name, in the order of the boards."""
    found = []
    for path in glob.glob("/sys/class/video4linux/*/name"):
        with contextlib.suppress(OSError), open(path) as f:     # one that has gone meanwhile
            if f.read().strip() == name:
                folder = os.path.dirname(path)
                found.append((os.path.realpath(f"{folder}/device"), "/dev/" + os.path.basename(folder)))
    return sorted(found)


def node(name, board=0):
    """The device node of an entity of the driver, by its name in sysfs."""
    found = nodes(name)
    assert board < len(found), f"no video4linux device of board {board} is called {name}"
    return found[board][1]


def video(board=0):
    return node("cmacam-capture", board)


def camera(board=0):
    """The libcamera name of the camera."""
    return f"platform/{os.path.basename(nodes('cmacam-sensor')[board][0])} cmacam-sensor"


def metadata():
    return node("cmacam-metadata")


def sensor():
    return node("cmacam-sensor")


def media():
    for path in sorted(glob.glob("/dev/media*")):
        if "cmacam" in run(["media-ctl", "-d", path, "-p"], status=None):
            return path
    raise AssertionError("no media device of cmacam")


def pci_boards():
    """The folder below /sys/bus/pci/devices of each board of the machine, in the order of the bus."""
    found = []
    for path in sorted(glob.glob("/sys/bus/pci/devices/*")):
        with open(path + "/vendor") as v, open(path + "/device") as d:
            if v.read().strip() == VENDOR and d.read().strip() in DEVICES:
                found.append(path)
    return found


def pci_device(number=0):
    """The folder below /sys/bus/pci/devices of a board that the test sees."""
    return pci_boards()[boards()[number]]


def probe(*options, status=0, limit=110, device=None, board=0):
    """Run v4l2_probe on a node, by default the board's video node. Returns its frame lines and loss lines, as dictionaries."""
    out = run([f"{PROBES}/v4l2_probe", "--device", device or video(board), *map(str, options)], status=status,
              limit=limit)
    frames = [fields(line) for line in out.splitlines() if line.startswith("frame ")]
    lost = [fields(line) for line in out.splitlines() if line.startswith("lost ")]
    return frames, lost


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sha256_file(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def wait_until(condition, what, limit=30):
    """Poll a condition until it is true. Returns its value."""
    end = time.monotonic() + limit * SLOWER
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


def waits_in(function, threads="/proc/self/task/*"):
    """True if one of these threads waits in a function of the kernel. By default, these are the threads of this process."""
    for path in glob.glob(f"{threads}/stack"):
        with contextlib.suppress(OSError), open(path) as f:     # one that has ended meanwhile
            if function in f.read():
                return True
    return False


def last_error(device=None):
    """The answer of v4l2-ctl for the control last_error: why the last call on a node (default: capture) failed."""
    return run(["v4l2-ctl", "-d", device or video(), "-C", "last_error"])


def refused(call, *arguments):
    """Check that a call raises an OSError. Returns this OSError."""
    try:
        call(*arguments)
    except OSError as error:
        return error
    raise AssertionError(f"{call.__name__}{arguments}: no error")


def expect(text, pattern):
    assert re.search(pattern, text), f"wanted {pattern!r} in:\n{text[-3000:]}"
