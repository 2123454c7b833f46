# SPDX-License-Identifier: MIT
"""The board is faulty: its registers do not answer, or a channel does not stop."""

import contextlib
import errno

import lib
import nodes
from declare import vm_test
from test_unplug import remove, rescan

UNANSWERED = "the board does not answer"
IDENTIFICATION = "0x0"      # offset of the register ID
# Slow enough that the board still has addresses when the driver has noticed, and it logs each frame that it cannot write.
SLOW = {"fps": "5", "starved": "drop"}
FOR_EVER = 10**9
FRAMES_UNTIL_READ_AGAIN = 15    # of 1/60 s; the driver reads again after 0.1 s
DEFAULTS = {nodes.EXPOSURE: 2250, nodes.ANALOGUE_GAIN: 256, nodes.HFLIP: 0, nodes.BRIGHTNESS: 0}
CHANGED = {nodes.EXPOSURE: 1125, nodes.ANALOGUE_GAIN: 512, nodes.HFLIP: 1, nodes.BRIGHTNESS: -40}
ARRAY, QUARTER = (0, 0, 3840, 2160), (960, 540, 1920, 1080)
# What a record says of CHANGED and QUARTER.
IN_FORCE = {"exposure": 1125, "gain": 512, "flip": 1, "brightness": -40, "crop_left": 960, "crop_top": 540,
            "crop_width": 1920, "crop_height": 1080}


def logged(*kinds):
    """The lines of main in the board's log that begin with one of these words."""
    return [line for line in lib.Board.log() if line.startswith(tuple(f"{kind} ch=0 " for kind in kinds))]


def lost_reads():
    return [lib.fields(line)["offset"] for line in lib.Board.log() if line.startswith("read-ones ")]


@vm_test(settings={"fps": "60"})
def a_lost_read_is_no_unplug():
    """Three times, one of the driver's regular reads of ID returns all ones: the nodes stay, and the stream goes on."""
    main = nodes.main().format("NV12", 320, 240).prepare().start()
    before = lost_reads().count(IDENTIFICATION)
    while lost_reads().count(IDENTIFICATION) < before + 3:
        seen = len(lost_reads())
        lib.Board().command("fault read-ones")
        lib.wait_until(lambda: main.take() and len(lost_reads()) > seen, "the driver reads a register")
        for _ in range(FRAMES_UNTIL_READ_AGAIN):
            main.take()
    for _ in range(30):     # five times as long as the driver takes to remove its nodes
        assert not main.take().error
    nodes.close(main)


@contextlib.contextmanager
def unreachable_board():
    """The board streams and has addresses, and none of its registers can be reached. STREAMOFF has returned."""
    main = nodes.main().format("NV12", 640, 480).prepare(8).start()
    main.take()
    board = lib.Board()
    board.command(f"fault unreachable {FOR_EVER}")
    try:
        try:
            main.stop()
        except OSError as error:    # the driver has noticed first, and removes its nodes
            assert error.errno == errno.ENODEV, error
            lib.wait_until(lambda: not lib.nodes("cmacam-sensor"), "the nodes are removed")
        yield
    finally:
        board.command("fault unreachable 0")
        board.set(fps="1000")
        main.close()
        remove()
        rescan()
        board.set(fps="max", starved="hold")


def await_lines(more):
    """Wait until the board has tried to write this number of further frames. Returns what became of them."""
    before = len(logged("frame", "lost"))
    lib.wait_until(lambda: len(logged("frame", "lost")) >= before + more, "the board goes on")
    return logged("frame", "lost")[before:]


@vm_test(settings=SLOW, provokes=UNANSWERED)
def an_unreachable_board_writes_no_freed_frame():
    """All registers read as ones while the board goes on: after STREAMOFF, the board cannot write to memory any more."""
    with unreachable_board():
        became = await_lines(3)
        assert all(line.startswith("lost ") for line in became), became
        lib.wait_until(lambda: not lib.nodes("cmacam-capture"), "the nodes are removed")
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3, "streams after the next plug"


@vm_test(settings=SLOW, provokes=UNANSWERED)
def an_isolated_board_is_reset_before_it_may_write():
    """A board is plugged in that still has addresses of freed frames: it writes no frame before the driver resets it."""
    with unreachable_board():
        await_lines(1)
        before = logged("frame")
    assert logged("frame") == before, "the board has written frames before its reset"


@vm_test(provokes="does not stop")
def settings_survive_a_reset():
    """Main does not stop, so the driver resets the board: lores has an error, and main starts again with all its settings."""
    sensor = nodes.Sensor()
    sensor.set(CHANGED)
    assert sensor.crop(*QUARTER) == QUARTER
    records = nodes.metadata().prepare(8)
    main, lores = nodes.main().format("NV12", 320, 240).prepare(), nodes.lores().format("NV12", 160, 120).prepare()
    try:
        for node in (main, lores):
            node.start()
        for node in (main, lores):
            node.take()
        lib.Board().command("fault stuck")
        main.stop()
        assert lib.refused(lores.take).errno == errno.EIO
        records.start()
        for index in range(len(main.maps)):
            main.queue(index)
        main.start()
        record = records.take().record
        assert {field: record[field] for field in IN_FORCE} == IN_FORCE, record
    finally:
        nodes.close(main, lores, records)
        sensor.set(DEFAULTS)
        sensor.crop(*ARRAY)
        sensor.close()
