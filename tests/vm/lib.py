# SPDX-License-Identifier: MIT
"""What the tests inside the machine share: running programs, the board, the driver's nodes."""

import contextlib
import glob
import hashlib
import os
import re
import select
import subprocess
import time

CONTROL = "/dev/virtio-ports/cmacam.board."     # and the board's number
PROBES = "/build/tests/vm"

# By how much every limit grows, on a kernel that checks every access.
SLOWER = int(os.environ.get("CMACAM_SLOWER", "1"))


PARAMETERS = "/sys/module/vb2_cma/parameters"
CHAPTER = "cmacam-tests:"


def vb2_cma(**parameters):
    """Set parameters of vb2-cma (sync, backend, mmap) for buffers allocated from now on.

    The runner sets the defaults before each test.
    """
    for name, value in parameters.items():
        with open(f"{PARAMETERS}/{name}", "w") as f:
            f.write(value)


def heap():
    """Load vb2-cma's dma-heap. The module stays once it is loaded; not every machine wants it."""
    if not os.path.exists("/dev/dma_heap/cmacam"):
        run(["insmod", "/build/drivers/media/vb2-cma-heap.ko"])


class WrongStatus(AssertionError):
    """A program ended otherwise than it was to; out: what it said."""

    def __init__(self, text, out):
        super().__init__(text)
        self.out = out


def run(command, limit=110, status=0, **kwargs):
    """Run a program to its end; its output (stdout and stderr), after its status was checked.

    status None: any.
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
    """Run the cases of a GoogleTest program whose names fit a pattern. least: how many there must be.

    What failed is the exception's text: it may stand far up in the output.
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
    """The key=value words of a line."""
    return dict(word.split("=", 1) for word in line.split() if "=" in word)


def number(text):
    return int(text, 0)


class Port:
    """A line to something outside the machine that answers commands."""

    def __init__(self, path, limit):
        # With nobody at the other end a write would wait for ever.
        self._port = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._limit = limit * SLOWER

    def __del__(self):
        os.close(self._port)

    def command(self, text):
        """Send one command; what was answered after "ok"."""
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
    """Begin a chapter of the kernel's messages, which dmesg() shows from there on."""
    with open("/dev/kmsg", "w") as log:
        log.write(f"<6>{CHAPTER} {text}\n")


def dmesg(since="test"):
    """The kernel's messages since the test began; "drivers": since the drivers were loaded before it."""
    return run(["dmesg"]).rpartition(f"{CHAPTER} {since}")[2]


class Host(Port):
    """The host, which kills and starts boards; in a Machine with hotplug."""

    def __init__(self):
        super().__init__("/dev/virtio-ports/cmacam.host", 60)


def see_boards(numbers):
    """From now on these boards of the machine are the first, the second and so on."""
    os.environ["CMACAM_TEST_BOARDS"] = " ".join(map(str, numbers))


def boards():
    """The numbers that the boards a test sees have among all boards of the machine."""
    chosen = os.environ.get("CMACAM_TEST_BOARDS")
    return list(range(all_boards())) if chosen is None else [int(word) for word in chosen.split()]


def all_boards():
    """How many boards the machine has."""
    return len(glob.glob(f"{CONTROL}*"))


def board_count():
    """How many boards the test sees."""
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
        """What a channel did since it was last enabled: ({sequence: frame}, {sequence: loss})."""
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
        """What a channel ever wrote: {nonce: frame}."""
        entries = [fields(line) for line in cls.log(number) if line.startswith(f"frame ch={channel} ")]
        return {entry["nonce"]: entry for entry in entries}


def nodes(name):
    """(device's folder in sysfs, device node) of each board's entity of that name, in the order of the boards."""
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
    """libcamera's name for the camera."""
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
            if (v.read().strip(), d.read().strip()) == ("0x1234", "0xca3a"):
                found.append(path)
    return found


def pci_device(number=0):
    """The same of a board that the test sees."""
    return pci_boards()[boards()[number]]


def probe(*options, status=0, limit=110, device=None, board=0):
    """v4l2_probe on a node, else the board's video node: its frame lines and its loss lines, as dictionaries."""
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
    """Poll a condition that nothing signals; its value."""
    end = time.monotonic() + limit * SLOWER
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit} s: {what}")
        time.sleep(0.02)


def expect(text, pattern):
    assert re.search(pattern, text), f"wanted {pattern!r} in:\n{text[-3000:]}"
