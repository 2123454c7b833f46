# SPDX-License-Identifier: MIT
"""read() of the metadata node: each file gets each record, with the statistics if it has room for them."""

import errno
import os
import struct
import threading
import time

import lib
import nodes
import v4l2
from declare import Machine, vm_test
from test_unplug import remove, rescan

DROPPING = {"starved": "drop", "fps": str(60 // lib.SLOWER)}
# Seconds by which two readings of different clocks may differ on a busy machine.
CLOCKS = 1


def main():
    return nodes.main().format("NV12", 320, 240)


def samples_of(stats):
    """Number of samples in statistics. The histogram must have the same number."""
    size, _, samples = struct.unpack_from("=3I", stats[3])
    assert size == 2592 and sum(struct.unpack_from("=256I", stats[3], 32)) == samples > 0
    return samples


def drain(records):
    """All records that a file has not read."""
    seen = []
    while records.ready():
        seen.append(records.read()[0])
    return seen


def waits_in_read(thread):
    with open(f"/proc/self/task/{thread.native_id}/stack") as f:
        return "cmacam_meta_read" in f.read()


def stamp(record):
    ns = record["timestamp"]
    return ns // 10**9, ns % 10**9 // 1000


@vm_test()
def the_record_is_there_with_the_frame():
    """100 frames, unpaced: when a frame can be dequeued, read() without waiting returns its record."""
    with nodes.Records() as records:
        node = main().prepare().start()
        for _ in range(100):
            frame = node.take()
            record, _ = records.read()
            assert (record["sequence"], stamp(record)) == (frame.sequence, frame.time), (record, frame.sequence)
            assert record["version"] == 2 and record["overrun"] == 0, record
        nodes.close(node)


@vm_test()
def each_file_has_its_own_place():
    """Two files that read at different times get the same records. A file begins with the record after its open()."""
    with nodes.Records() as early:
        node = main().prepare().start()
        node.take()
        with nodes.Records() as late:
            for _ in range(16):
                node.take()
            node.stop()
            seen, everything = drain(late), drain(early)
        assert [record["sequence"] for record in everything] == list(range(len(everything)))
        assert len(everything) > len(seen) >= 12 and everything[-len(seen):] == seen, (everything, seen)
        nodes.close(node)


@vm_test()
def missed_records_are_counted():
    """A file that is late by 40 frames gets the newest 32 records, and the first of them counts the missed ones."""
    with nodes.Records() as records:
        node = main().prepare().start()
        frames = [node.take().sequence for _ in range(nodes.RECORDS + 8)]
        node.stop()
        seen = drain(records)
        # The board may have filled more buffers before it stopped.
        assert len(seen) == nodes.RECORDS
        assert seen[0]["overrun"] == seen[0]["sequence"] - frames[0] >= 8, (seen[0], frames[0])
        assert not any(record["overrun"] for record in seen[1:])
        nodes.close(node)


@vm_test()
def errors_of_read():
    """EINVAL: no room for a record. EAGAIN: no record. EBUSY: the file has buffers, and can poll for these; without, it reads."""
    with nodes.Records() as records:
        for size in (0, 1, nodes.RECORD_SIZE - 1):
            assert lib.refused(os.read, records.fd, size).errno == errno.EINVAL
        assert lib.refused(records.read).errno == errno.EAGAIN and not records.ready()
    owner = nodes.metadata().prepare(8)
    for size in (1, nodes.RECORD_SIZE, nodes.BOTH_SIZE):
        assert lib.refused(os.read, owner.fd, size).errno == errno.EBUSY
    owner.start()
    # Others are not the owner.
    with nodes.Records() as records:
        node = main().prepare().start()
        for _ in range(10):
            frame, streamed = node.take(), owner.take().record
            read = records.take()[0]
            assert streamed["sequence"] == read["sequence"] == frame.sequence
            assert streamed == read
        nodes.close(node)
    owner.stop()
    owner.request(0)
    # What it could not read meanwhile is there.
    assert len(os.read(owner.fd, nodes.RECORD_SIZE)) == nodes.RECORD_SIZE
    owner.close()


@vm_test(settings={"fps": "20"})
def read_waits_for_a_record():
    """A blocking read() returns when the next frame is finished, although the program waits for nothing else."""
    with nodes.Records(flags=0) as records:
        node = main().prepare().start()
        assert [records.read()[0]["sequence"] for _ in range(4)] == list(range(4))
        nodes.close(node)


@vm_test()
def a_waiting_reader_is_woken_by_a_removal():
    """The board is removed while a program waits in read(): ENODEV. The next open() after a rescan reads records again."""
    answers = []
    with nodes.Records(flags=0) as records:
        reader = threading.Thread(target=lambda: answers.append(lib.refused(records.read).errno), daemon=True)
        reader.start()
        lib.wait_until(lambda: waits_in_read(reader), "the reader waits")
        remove()
        reader.join(v4l2.LIMIT * lib.SLOWER)
        assert answers == [errno.ENODEV], answers
    rescan()
    with nodes.Records() as records:
        node = main().prepare().start()
        assert records.take()[0]["sequence"] == 0
        nodes.close(node)


@vm_test()
def stamps_of_other_clocks():
    """realtime and tai are the frame's start of exposure on these clocks, also after the wall clock was set."""
    offset = time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    with nodes.Records() as records:
        node = main().prepare().start()
        try:
            for jump in (0, 100):
                time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_MONOTONIC) + offset + jump)
                drain(records)
                for _ in range(5):      # of which four may have been finished before
                    node.take()
                record = drain(records)[-1]
                for field, clock in (("realtime", time.CLOCK_REALTIME), ("tai", time.CLOCK_TAI)):
                    apart = time.clock_gettime(clock) - time.clock_gettime(time.CLOCK_MONOTONIC)
                    assert abs((record[field] - record["timestamp"]) / 1e9 - apart) < CLOCKS, (jump, field, record)
        finally:
            time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_MONOTONIC) + offset)
        nodes.close(node)


@vm_test(settings={"starved": "hold"})
def statistics_come_with_their_record():
    """With room for both, read() returns the record of the frame and the statistics of the same frame, each of them once."""
    with nodes.Records() as records, nodes.Records() as second:
        records.start_statistics()
        # The board waits for the only buffer of main, so the frame that was dequeued is the newest one.
        node = main()
        node.request(2)
        node.maps = [node.map(0), node.map(1)]
        node.queue(0)
        node.start()
        for _ in range(30):
            frame = node.dequeue()
            record, stats = records.read(nodes.BOTH_SIZE)
            while stamp(record) < frame.time:       # of the statistics alone, before main began; the newest come first
                record, more = records.read(nodes.BOTH_SIZE)
                stats = more or stats
            assert record["sequence"] == frame.sequence and stats, record
            assert stats[:3] == (record["timestamp"], record["exposure"], record["gain"]), (stats[:3], record)
            samples_of(stats)
            node.queue(frame.index)
        node.dequeue()
        found = []
        while second.ready():
            found.append(second.read(nodes.BOTH_SIZE)[1])
        assert found[0] and not any(found[1:]), "each file gets the newest statistics once"
        nodes.close(node)


@vm_test(machine=Machine(noncoherent=True))
def statistics_are_never_stale():
    """On a board that does not snoop the caches, 30 statistics by read() are complete."""
    with nodes.Records() as records:
        records.start_statistics()
        seen = 0
        while seen < 30:
            _, stats = records.take(nodes.BOTH_SIZE)
            seen += bool(stats and samples_of(stats))


@vm_test(settings={"fps": "50"})
def statistics_without_a_video_node():
    """read() with room for statistics makes the sensor run, until the file is closed."""
    with nodes.Records() as records:
        records.start_statistics()
        numbers, times = [], []
        while len(times) < 10:
            record, stats = records.take(nodes.BOTH_SIZE)
            numbers.append(record["sequence"])
            times += [stats[0]] if stats else []
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert times == sorted(set(times))
    with nodes.Records() as records:
        assert not records.ready(0.5), "the sensor runs on after the file was closed"


@vm_test(settings=DROPPING, provokes="get the statistics by read")
def statistics_end_when_nobody_asks():
    """After 16 reads without room, the statistics node is free. Before, it does not stream: EBUSY, with the reason."""
    with nodes.Records() as records:
        node, stats = main().prepare(8).start(), nodes.stats().prepare()
        records.start_statistics()
        for number in range(nodes.STATS_READS):
            assert lib.refused(stats.start).errno == errno.EBUSY, number
            assert "metadata node" in lib.run(["v4l2-ctl", "-d", lib.node("cmacam-stats"), "-C", "last_error"])
            node.take()
            while not records.ready():
                node.take()
            records.read()
        stats.start()
        stats.take()
        assert lib.refused(records.read, nodes.BOTH_SIZE).errno == errno.EBUSY
        records.take()
        stats.stop()
        stats.close()
        found = None
        while not found:
            node.take()
            while records.ready():
                found = records.read(nodes.BOTH_SIZE)[1] or found
        nodes.close(node)


@vm_test(settings={"starved": "hold"})
def a_slow_reader_holds_nothing_back():
    """A file asks for statistics once and never reads again: the board, which waits for buffers, waits for none of them."""
    with nodes.Records() as records:
        records.start_statistics()
        node = main().prepare().start()
        assert [node.take().sequence for _ in range(60)] == list(range(60))
        nodes.close(node)
