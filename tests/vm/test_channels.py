# SPDX-License-Identifier: MIT
"""Main, lores and statistics: one sensor and one time for all, and each channel reports its lost frames."""

import errno
import glob
import os
import random
import re
import struct

import lib
import nodes
from declare import Machine, vm_test
from strides import FORMATS
from test_unplug import remove, rescan

# No faster than the losses can be heard of, of which the driver remembers a few.
DROPPING = {"starved": "drop", "fps": str(60 // lib.SLOWER)}
BARS, SOLID = 1, 3
LORES_FORMATS = [pixels for pixels in FORMATS if pixels not in ("RGGB", "RG10")]
STATS_SIZE, COLUMNS, ROWS = 2592, 16, 12


def check_losses(node, channel, sequences):
    """Gaps, events, the control and the board's log have the same lost frames. Losses after the last frame are left out."""
    signalled = [n for n in node.drain_events() if n <= sequences[-1]]
    gap = set(range(sequences[0], sequences[-1] + 1)) - set(sequences)
    _, lost = lib.Board.session(channel)
    assert set(signalled) == gap and len(signalled) == len(gap), (channel, signalled, sorted(gap))
    assert gap == {n for n in lost if n <= sequences[-1]}, (channel, sorted(gap), lost)
    assert node.get(nodes.FRAMES_LOST) >= len(gap)


@vm_test(settings=DROPPING)
def linked_frames_are_the_same():
    """60 pairs while main or lores is starved at random: the n-th frames of both are the same, and both lose the same frames."""
    main = nodes.main().format("NV12", 640, 480).prepare(4)
    lores = nodes.lores(linked=True).format("GREY", 320, 240).prepare(3).start()
    main.start()
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    frames = {main: [], lores: []}
    while len(frames[main]) < 60:
        victim = chance.choice((main, lores, None, None, None))
        held = []
        above = len(victim.drain_events()) if victim else 0
        for _ in range(len(victim.maps) if victim else 1):
            for node in frames:
                frame = node.dequeue() if node is victim else node.take()
                frames[node].append(frame)
                held += [frame.index] if node is victim else []
        if victim:
            victim.await_loss(above)
        for index in held:
            victim.queue(index)
        for node in frames:
            node.drain_events()     # before the driver forgets the oldest
    pairs = list(zip(frames[main], frames[lores]))
    assert len(pairs) >= 60
    for large, small in pairs:
        assert (large.sequence, large.time) == (small.sequence, small.time), (large.sequence, small.sequence)
        assert large.mark[1] == small.mark[1] == large.sequence, (large.mark, small.mark)
        assert (large.mark[3], small.mark[3]) == (0, 1)
    for channel, node in enumerate((main, lores)):
        sequences = [frame.sequence for frame in frames[node]]
        assert sequences[-1] - sequences[0] >= len(sequences), "some were lost"
        check_losses(node, channel, sequences)
    nodes.close(lores, main)


@vm_test(settings={"digest": "sha256"})
def lores_is_pixel_exact():
    """Every format of lores at two sizes: the list has no Bayer format, and every byte is as in the board's log."""
    device = lib.node("cmacam-lores")
    listed = re.findall(r"\[\d+\]: '(.{4})'", lib.run(["v4l2-ctl", "-d", device, "--list-formats"]))
    assert sorted(listed) == sorted(LORES_FORMATS), listed
    nodes.lores().close()           # not linked
    for pixels in LORES_FORMATS:
        for width, height in ((320, 240), (22, 16)):
            got, _ = lib.probe("--format", pixels, "--width", width, "--height", height, "--frames", 3, "--digest",
                               device=device)
            written, _ = lib.Board.session(1)
            assert len(got) == 3
            for frame in got:
                assert frame["sha256"] == written[int(frame["seq"])]["sha256"], (pixels, width, height, frame)


@vm_test()
def linked_lores_waits():
    """Linked lores gives no frame before main streams. Then it begins with main's frame 0, also after a pause."""
    lores = nodes.lores(linked=True).format("NV12", 320, 240).prepare().start()
    try:
        lores.set({nodes.LINKED: 0})
        raise AssertionError("the link was changed while streaming")
    except OSError as error:
        assert error.errno == errno.EBUSY, error
    for _ in range(2):
        assert not lores.ready(), "a frame without main"
        main = nodes.main().format("NV12", 640, 480).prepare().start()
        for sequence in range(5):
            large, small = main.take(), lores.take()
            # The last frames from before a pause may come as late as this.
            while sequence == 0 and small.time < large.time:
                small = lores.take()
            assert large.sequence == small.sequence == sequence, (large.sequence, small.sequence)
            assert large.time == small.time
        nodes.close(main)
        # The frames that were in flight when main stopped.
        while lores.ready():
            lores.take()
    assert not lores.drain_events(), "nothing was lost by waiting"
    nodes.close(lores)


@vm_test(settings=DROPPING)
def starving_alone():
    """Without a link, starved lores or statistics loses only its own frames, and counts all of them. Main continues."""
    for make, channel in ((nodes.lores, 1), (nodes.stats, 2)):
        main = nodes.main().format("NV12", 320, 240).prepare(8).start()
        other = make().prepare(3).start()
        held = [other.dequeue() for _ in range(3)]
        sequences = []
        # On a busy machine both lose frames while this process does not run.
        while len(other.drain_events()) < 10 or len(sequences) < 10:
            sequences.append(main.take().sequence)
            main.drain_events()
        seen = [frame.sequence for frame in held]
        for frame in held:
            other.queue(frame.index)
        seen += [other.take().sequence for _ in range(3)]
        check_losses(other, channel, seen)
        check_losses(main, 0, sequences)
        nodes.close(main, other)


@vm_test(settings=DROPPING)
def losses_that_nobody_fetches_are_joined():
    """A program fetches no event while 40 frames in a row are lost. Then the events have the numbers of all lost frames."""
    main = nodes.main().format("NV12", 320, 240).prepare(3).start()
    held = [main.dequeue() for _ in range(3)]
    lib.wait_until(lambda: main.get(nodes.FRAMES_LOST) >= 40, "40 frames are lost")
    for frame in held:
        main.queue(frame.index)
    check_losses(main, 0, [*(frame.sequence for frame in held), main.take().sequence])
    nodes.close(main)


def statistics_of(frame):
    assert len(frame.data) == STATS_SIZE
    size, sequence, samples = struct.unpack_from("=3I", frame.data)
    assert (size, sequence) == (STATS_SIZE, frame.sequence), (size, sequence, frame.sequence)
    histogram = struct.unpack_from("=256I", frame.data, 32)
    assert sum(histogram) == samples > 0
    zones = list(struct.iter_unpack("=4H", frame.data[1056:]))
    assert len(zones) == ROWS * COLUMNS
    return samples, histogram, zones


@vm_test(settings={"mark": "off"})
def statistics_tell_what_the_pixels_say():
    """Bars and mid grey: zones and histogram match the BGR24 pixels of the frame with the same timestamp."""
    sensor = nodes.Sensor()
    for pattern, colours in ((BARS, 8), (SOLID, 1)):
        sensor.set({nodes.TEST_PATTERN: pattern})
        main = nodes.main().format("BGR3", 640, 480).prepare().start()
        stats = nodes.stats().prepare().start()
        picture, seen = nodes.join(main, stats)
        samples, histogram, zones = statistics_of(seen)
        lumas = [0] * 256
        for row in range(ROWS):
            for column in range(COLUMNS):
                # The middle of the zone: bars are two zones wide.
                x, y = 640 * (2 * column + 1) // (2 * COLUMNS), 480 * (2 * row + 1) // (2 * ROWS)
                blue, green, red = picture.data[y * main.stride + 3 * x:][:3]
                saturated = 65535 * (255 in (red, green, blue))
                assert zones[row * COLUMNS + column] == (red << 8, green << 8, blue << 8, saturated), (row, column)
                lumas[round(0.2126 * red + 0.7152 * green + 0.0722 * blue)] += samples // (ROWS * COLUMNS)
        # The board's coefficients have eight bits.
        for luma, count in enumerate(lumas):
            assert not count or sum(histogram[max(0, luma - 1):luma + 2]) == count, (luma, histogram)
        assert sum(map(bool, histogram)) == colours
        nodes.close(main, stats)
    sensor.set({nodes.TEST_PATTERN: 0})
    sensor.close()


def check_four_nodes():
    main = nodes.main().format("NV12", 640, 480).prepare()
    lores = nodes.lores(linked=True).format("YUYV", 320, 240).prepare()
    stats, records = nodes.stats().prepare(), nodes.metadata().prepare(8)
    for node in (records, lores, main, stats):
        node.start()
    last = None
    for _ in range(30):
        large, small, seen, record = nodes.join(main, lores, stats, records)
        assert large.sequence == small.sequence == record.sequence == record.record["sequence"]
        assert last in (None, large.sequence - 1), "statistics of every frame"
        last = large.sequence
        ns = record.record["timestamp"]
        assert large.time == (ns // 10**9, ns % 10**9 // 1000)
        statistics_of(seen)
    nodes.close(main, lores, stats, records)


@vm_test()
def four_nodes_agree():
    """30 frames: main, lores, statistics and metadata have the same timestamps, and each record has the frame's number."""
    check_four_nodes()


@vm_test(machine=Machine(board=("--fifo", "1")))
def four_nodes_agree_one_address_at_a_time():
    """A board that accepts one address of each channel at a time: the four nodes agree, and no frame is missing."""
    check_four_nodes()


def at_random(rounds):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    makers = {"main": lambda: nodes.main().format("NV12", 320, 240),
              "lores": lambda: nodes.lores(linked=chance.random() < 0.5).format("GREY", 160, 120),
              "stats": nodes.stats}
    running = {}
    for _ in range(rounds):
        name = chance.choice(list(makers))
        if name in running:
            nodes.close(running.pop(name))
        else:
            running[name] = makers[name]().prepare().start()
        for name, node in 2 * list(running.items()):
            if name == "lores" and "main" not in running and node.get(nodes.LINKED):
                continue
            frame = node.take()
            assert not frame.error
            if name == "stats":
                statistics_of(frame)
            else:
                assert frame.mark[1] == frame.sequence, (name, frame.mark, frame.sequence)
    nodes.close(*running.values())


@vm_test(settings=DROPPING)
def stop_and_go():
    """20 times, a channel stops or starts at random while others stream: nothing hangs, and every frame is right."""
    at_random(20)


@vm_test(settings=DROPPING, long=True, limit=600)
def stop_and_go_200_times():
    """200 times, a channel stops or starts at random while others stream: nothing hangs, and every frame is right."""
    at_random(200)


def removals(rounds):
    for _ in range(rounds):
        streams = [nodes.main().format("NV12", 320, 240), nodes.lores().format("NV12", 320, 240), nodes.stats(),
                   nodes.metadata()]
        for node in streams:
            node.prepare().start()
        for node in streams:
            node.take()
        remove()
        for node in streams:
            try:
                for _ in range(20):
                    node.take()
                raise AssertionError(f"{node.name} goes on")
            except OSError as error:
                assert error.errno in (errno.ENODEV, errno.EIO, errno.EPIPE, errno.EINVAL), error
            node.close()
        rescan()
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3


@vm_test()
def removal_under_all_nodes():
    """The board is removed while every node streams and is mapped: each node reports an error, and the next plug works."""
    removals(1)


@vm_test(long=True, limit=300)
def ten_removals_under_all_nodes():
    """Ten times, the board is removed while every node streams and is mapped: each reports an error, and the next plug works."""
    removals(10)


def paths(name):
    """{device node: folder of its device} of the entities of this name, one per board."""
    found = {}
    for file in glob.glob("/sys/class/video4linux/*/name"):
        with open(file) as f:
            if f.read().strip() == name:
                folder = os.path.dirname(file)
                found["/dev/" + os.path.basename(folder)] = os.path.realpath(folder + "/device")
    return found


@vm_test(machine=Machine(more_boards=((),)))
def two_boards_at_once():
    """Two boards have separate places, bus names and sensors. Both stream, each from its own engine."""
    captures, sensors = paths("cmacam-capture"), paths("cmacam-sensor")
    assert len(captures) == len(set(captures.values())) == 2, captures
    assert sorted(map(os.path.basename, sensors.values())) == ["cmacam-sensor.0", "cmacam-sensor.1"], sensors
    buses = re.findall(r"Bus info\s+: (.*)", "".join(lib.run(["v4l2-ctl", "-d", path, "--info"]) for path in captures))
    assert len(set(buses)) == 2, buses
    streams = [nodes.Node("cmacam-capture", path=path).format("NV12", 320, 240).prepare().start() for path in captures]
    marks = [{node.take().mark[2] for _ in range(10)} for node in streams]
    written = [{lib.number(frame["nonce"]) for frame in lib.Board.session(number=number)[0].values()}
               for number in range(2)]
    assert [mark <= written[0] for mark in marks] in ([True, False], [False, True]), "each has a board"
    assert [mark <= written[1] for mark in marks] == [not mark <= written[0] for mark in marks]
    nodes.close(*streams)
