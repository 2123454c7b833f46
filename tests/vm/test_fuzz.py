# SPDX-License-Identifier: MIT
"""Random calls of several processes on all nodes: the kernel reports nothing, no buffer is left, and frames are exact.

The program fuzz_nodes makes the calls (tests/vm/fuzz/). Its seed decides which calls each process makes, and in which
order. The results of the calls may differ between two runs, because the processes run at the same time.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import glob
import inspect
import os
import shutil
import subprocess
import threading

import coverage
import lib
from declare import Machine, vm_test

FUZZ = f"{lib.PROBES}/fuzz_nodes"
KCOV_RUN = f"{lib.PROBES}/kcov_run"
MODULES = "/build/drivers/media"
SEED = 13
BATCH_SECONDS = 120

# What the driver says about calls that it refuses, and how often it would have said so.
REFUSED = (r"bytes of contiguous memory needed|bytes needed for each buffer|buffer too small: \d+ bytes needed|"
           r"dma-buf of .* (cannot be mapped|is not contiguous|is for reading only)|get the statistics by read|"
           r"callbacks suppressed")

DEBUGFS = "/sys/kernel/debug/vb2-cma"
NOTHING = "bytes=0 buffers=0\n"

# No test of another subject shares this boot: the first round loads the modules again, and then the heap holds them.
SOAK = Machine(cma="96M", append="reserve_mem=64M:2M:cmacam", allocator_params="carveout=cmacam")
CALLS = 10_000_000      # of all rounds
LEAST = 1000            # times that each ioctl succeeds and fails in these calls
LEAST_PERCENT = 70      # of the lines of vb2-cma and cmacam
# A folder for each round, with its table and with what KCOV recorded. The build folder keeps them, so the rounds may run at
# different times. Rounds of other modules do not count.
RESULTS = "/build/fuzz"
TABLE = "ioctls.txt"
LOOK_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Round:
    """Parameters of vb2-cma and a setting of the board for a part of the calls."""

    backend: str = "auto"
    mmap: str = "populate"
    sync: str = "auto"
    starved: str = "hold"


ROUNDS = (Round(), Round(mmap="fault", starved="drop"), Round(sync="contract"),
          Round("contig"), Round("contig", mmap="fault", starved="drop"),
          Round("carveout"), Round("carveout", mmap="fault", sync="contract", starved="drop"),
          Round("coherent"))


def fuzz(seed, *options, limit=110):
    """Run fuzz_nodes to its end. Returns the lines of its table."""
    out = lib.run([FUZZ, "--seed", str(seed), "--batch-seconds", str(BATCH_SECONDS * lib.SLOWER), *map(str, options)],
                  limit=limit)
    return [line for line in out.splitlines() if line.startswith(("ioctl ", "call "))]


def ioctls(table):
    """{name: (times that it succeeded, times that it failed)} of the ioctls in a table, or in several tables."""
    counts = collections.defaultdict(lambda: (0, 0))
    for line in table:
        kind, name = line.split()[:2]
        if kind == "ioctl":
            fields, (succeeded, failed) = lib.fields(line), counts[name]
            counts[name] = succeeded + int(fields["succeeded"]), failed + int(fields["failed"])
    return counts


def buffers():
    with open(f"{DEBUGFS}/parked") as parked:
        return lib.vb2_cma_buffers() + parked.read()


def check_aftermath():
    """All processes have ended: no buffer exists, none is parked, and the driver captures exact frames."""
    try:
        lib.wait_until(lambda: buffers() == NOTHING, "no buffer is left")
    finally:
        print(buffers())
        with open("/sys/kernel/debug/dma_buf/bufinfo") as f:
            print(f.read())
    lib.Board().set(starved="hold", fps="max", digest="sha256")
    frames, _ = lib.probe("--frames", 12, "--digest")
    written, _ = lib.Board.session()
    assert len(frames) == 12
    for frame in frames:
        board = written[int(frame["seq"])]
        assert (frame["nonce"], frame["sha256"]) == (board["nonce"], board["sha256"]), (frame, board)


@vm_test(settings={"starved": "drop", "fps": "60"}, provokes=REFUSED)
def ten_seconds_of_calls():
    """3 processes make random calls on all nodes for 10 s: the kernel reports nothing, and later frames are exact."""
    lib.heap()
    counts = ioctls(fuzz(SEED, "--processes", 3, "--seconds", 10))
    never = [name for name, results in counts.items() if not any(results)]
    assert counts and not never, f"no call in 10 s: {never}"
    check_aftermath()


def in_rounds(function):
    """Declare a test for each round. The rounds of all tests are ten million calls."""
    for number, part in enumerate(ROUNDS):
        settings = " ".join(f"{name}={value}" for name, value in dataclasses.asdict(part).items())

        def test(number=number, part=part):
            function(number, part)
        test.__doc__ = f"{inspect.getdoc(function)} (round {number + 1} of {len(ROUNDS)}: {settings})"
        globals()[f"{function.__name__}_{number + 1}"] = vm_test(
            machine=SOAK, provokes=REFUSED, debug_kernel=True, soak=True, limit=3600)(test)
    return function


@in_rounds
def ten_million_calls(number, part):
    """Random calls until each ioctl has succeeded and failed 1,000 times, and 70 % of the lines have run."""
    folder = f"{RESULTS}/{number + 1}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    if not os.path.exists("/sys/module/vb2_cma_heap"):
        load_again(folder)
    with looking(folder):
        lib.vb2_cma(backend=part.backend, mmap=part.mmap, sync=part.sync)
        lib.Board().set(starved=part.starved, fps="20" if part.starved == "drop" else "max", digest="none")
        table = fuzz(SEED + number, "--processes", 3, "--calls", CALLS // len(ROUNDS), "--kcov", folder, limit=3500)
        lib.vb2_cma(backend="auto", mmap="populate", sync="auto")
        check_aftermath()
    with open(f"{folder}/{TABLE}", "w") as f:
        f.write("\n".join([identity(), *table]) + "\n")
    check_rounds()


def modules():
    return [f"{MODULES}/{name}.ko" for name in ("cmacam", "vb2-cma", "vb2-cma-heap")]


def identity():
    """The modules that the rounds have to share."""
    return " ".join(lib.sha256_file(path) for path in modules())


def check_rounds():
    """The last round checks the sums of all."""
    tables = []
    for number in range(1, len(ROUNDS) + 1):
        with contextlib.suppress(FileNotFoundError), open(f"{RESULTS}/{number}/{TABLE}") as f:
            known, *table = f.read().splitlines()
            tables += [table] if known == identity() else []
    print(f"{len(tables)} of {len(ROUNDS)} rounds have passed")
    if len(tables) < len(ROUNDS):
        return
    rare = {name: results for name, results in report_calls(sum(tables, [])).items() if min(results) < LEAST}
    reached = coverage.measure(f"{RESULTS}/*", modules())
    print(keep("coverage.txt", reached.report()))
    assert not rare, f"fewer than {LEAST} times (succeeded, failed): {rare}"
    assert reached.percent >= LEAST_PERCENT, f"{reached.percent:.1f} % of the lines were reached; see above"


def load_again(folder):
    """Load the drivers again under KCOV, because their beginning and their end are a part of their lines."""
    def traced(*command, **options):
        return lib.run([KCOV_RUN, folder, *command], **options)

    for module in ("cmacam", "vb2_cma"):
        # udev may still look at a node.
        lib.wait_until(lambda: traced("rmmod", module, status=None) == "", f"{module} unloads")
    traced("insmod", f"{MODULES}/vb2-cma.ko", SOAK.allocator_params)
    traced("insmod", f"{MODULES}/cmacam.ko")
    traced("insmod", f"{MODULES}/vb2-cma-heap.ko")
    lib.run(["udevadm", "trigger", "--action=add", "--subsystem-match=media", "--subsystem-match=video4linux"])
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])


@contextlib.contextmanager
def looking(folder):
    """Read the modules' files in debugfs from time to time while a block runs, and record the code that this reaches."""
    done = threading.Event()

    def look():
        while not done.wait(LOOK_SECONDS):
            files = glob.glob(f"{DEBUGFS}/*") + glob.glob("/sys/kernel/debug/v4l2/cmacam-*/statistics")
            subprocess.run([KCOV_RUN, folder, "cat", *files], stdout=subprocess.DEVNULL, check=True)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        looks = pool.submit(look)
        try:
            yield
        finally:
            done.set()
        looks.result()


def report_calls(table):
    """Keep the sums of several tables. Returns them as ioctls() does."""
    counts = ioctls(table)
    print(keep("ioctls.txt", "\n".join(f"{name:32} succeeded={succeeded:<9} failed={failed}"
                                       for name, (succeeded, failed) in counts.items())))
    return counts


def keep(name, text):
    with open(f"{RESULTS}/{name}", "w") as f:
        f.write(text + "\n")
    return text
