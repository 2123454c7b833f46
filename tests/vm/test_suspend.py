# SPDX-License-Identifier: MIT
"""The system suspends and resumes: streams continue, and settings are in force again.

The machine's root folder is a virtiofs, which refuses to suspend. The kernel suspends the devices one after the other, and
the board comes before the virtiofs. So the kernel suspends the board, fails at the virtiofs, and resumes the board. All
suspend and resume code of the driver runs, but the board does not lose its power.
"""

import contextlib
import errno
import os

import lib
import nodes
from declare import Skip, vm_test
from test_unplug import remove, rescan


def write(path, text):
    """Write with one system call. A file object would repeat a refused write."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def enables():
    """The number of times that each channel was started."""
    lines = [line for line in lib.Board.log() if line.startswith("enable ")]
    return [sum(lib.fields(line)["ch"] == str(channel) for line in lines) for channel in range(3)]


@contextlib.contextmanager
def one_by_one():
    if not os.path.exists("/sys/power/pm_async"):
        raise Skip("this kernel was built without CONFIG_PM_SLEEP")
    write("/sys/power/pm_async", "0")
    try:
        yield
    finally:
        write("/sys/power/pm_async", "1")


def suspend():
    try:
        write("/sys/power/state", "mem")
    except OSError as refused:
        assert refused.errno == errno.EOPNOTSUPP, refused
    else:
        raise AssertionError("virtiofs has learnt to suspend: this test may become a whole one")


@vm_test()
def streams_go_on():
    """Three suspends under main, linked lores, statistics and metadata: no frame is missing, double, or on one node only."""
    sensor = nodes.Sensor()
    sensor.set({nodes.EXPOSURE: 1125})
    main = nodes.main().format("NV12", 640, 480).prepare()
    lores = nodes.lores(linked=True).format("GREY", 320, 240).prepare()
    stats, records = nodes.stats().prepare(), nodes.metadata().prepare(8)
    for node in (records, lores, main, stats):
        node.start()
    seen = []

    def take(count):
        for _ in range(count):
            large, small, _, record = nodes.join(main, lores, stats, records)
            assert not large.error and not small.error
            assert large.sequence == small.sequence == record.sequence
            assert record.record["exposure"] == 1125
            seen.append((large.sequence, large.time))

    with one_by_one():
        take(10)
        for _ in range(3):
            before = enables()
            suspend()
            take(10)
            assert enables() == [count + 1 for count in before], "every channel was stopped and started"
    sequences = [sequence for sequence, _ in seen]
    assert sequences == list(range(sequences[0], sequences[0] + len(seen))), sequences
    assert [time for _, time in seen] == sorted({time for _, time in seen})
    nodes.close(main, lores, stats, records)
    sensor.set({nodes.EXPOSURE: 2250})
    sensor.close()


@vm_test(settings={"digest": "sha256"})
def idle_board_streams_afterwards():
    """A suspend without a stream: nothing starts by itself, and the next stream is complete."""
    before = enables()
    with one_by_one():
        suspend()
    assert enables() == before
    frames, _ = lib.probe("--frames", 5, "--digest")
    written, _ = lib.Board.session()
    assert [frame["sha256"] for frame in frames] == [written[n]["sha256"] for n in range(5)]


@vm_test(provokes=r"does not stop|does not reset|PM: (dpm_run_callback|failed to resume)")
def a_failed_resume_is_not_stopped_again():
    """The board neither stops nor resets, so the resume fails: DQBUF returns EIO, and STREAMOFF does not stop the board again."""
    main = nodes.main().format("NV12", 320, 240).prepare().start()
    main.take()
    board = lib.Board()
    board.command("fault stuck")
    board.command("fault stuck-reset")
    try:
        with one_by_one():
            suspend()
        assert lib.dmesg().count("channel 0 does not stop") == 1
        assert lib.refused(main.take).errno == errno.EIO
        main.stop()
        assert lib.dmesg().count("channel 0 does not stop") == 1, "STREAMOFF waited for a channel that was stopped before"
    finally:
        board.command("fault stuck-reset 0")
        main.close()
        remove()
        rescan()
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3
