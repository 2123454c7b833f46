# SPDX-License-Identifier: MIT
"""The cost of cache maintenance in bytes, from the kernel's trace events, on a board that does not snoop."""

import dataclasses
import errno
import mmap
import os

import lib
import maintenance
import stale
import v4l2
from costs import BUFFER, BUFFERS, SIZE, WARM_UP, Costs, Reader, camera, read_whole
from declare import Machine, vm_test
from test_dmabuf import udmabuf
from test_memory import MEMORY

OURS = Machine(noncoherent=True)
WITHOUT_SYNCS = dataclasses.replace(MEMORY, noncoherent=True, allocator_fault="no-sync")
LINES = {"mark": "lines"}
NODE = "/dev/vb2-cma"


@vm_test(machine=OURS, settings=LINES)
def no_reader_costs_nothing():
    """100 frames are captured and queued again, without a mapping: 0 bytes are synchronised."""
    for exported in (False, True):
        with camera(exported=exported) as it:
            with Costs() as costs:
                for _ in it.frames(100):
                    pass
        costs.check(0, 0)
        assert len(costs.named("vb2_cma_skip", target="cpu", reason="unmapped")) == 100
        assert len(costs.named("vb2_cma_skip", target="device", reason="unwritten")) == 100


@vm_test(machine=OURS, settings=LINES)
def a_first_use_costs_its_buffer_once():
    """The CPU's zeroes reach memory before the engine writes: each buffer is cleaned once."""
    with Costs() as costs:
        with camera() as it:
            for _ in it.frames(20):
                pass
    assert costs.bytes("cpu") == 0, costs.summary()
    assert costs.bytes("device") <= BUFFERS * BUFFER, costs.summary()


@vm_test(machine=OURS, settings=LINES)
def a_reader_that_knows_nothing_costs_a_frame_each():
    """V4L2 mmap without an ioctl: each frame is synchronised once, at DQBUF, and QBUF does nothing."""
    with camera(mapped=True) as it:
        with Costs() as costs:
            for index, sequence in it.frames(50):
                assert not it.stale(index, sequence)
    costs.check(50 * BUFFER, 0)
    assert costs.syncs("cpu", reason="dqbuf") == 50


@vm_test(machine=OURS, settings=LINES)
def a_reader_that_syncs_pays_once():
    """A dma-buf reader: each frame is synchronised once, at its first begin, and not again at DQBUF."""
    with camera(exported=True, mapped=True) as it:
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(50):
                read_whole(it, index, sequence)
                read_whole(it, index, sequence)
    costs.check(50 * BUFFER, 0)
    assert costs.syncs("cpu", reason="begin") == 50
    assert len(costs.named("vb2_cma_skip", target="cpu", reason="disciplined")) == 50


@vm_test(machine=OURS, settings=LINES)
def nested_descriptors_pay_once():
    """Four dma-bufs of each buffer, with accesses nested and ended in another order: each frame is synchronised once."""
    with camera(exported=True, mapped=True) as it:
        more = [[it.queue.export(n) for n in range(BUFFERS)] for _ in range(2)]
        more.append([os.dup(fd) for fd in it.fds])
        every = [it.fds, *more]

        def nest(index, sequence):
            for fds in every:
                v4l2.sync(fds[index], v4l2.START | v4l2.READ)
            for fds in every[1:] + every[:1]:
                assert not it.stale(index, sequence)
                v4l2.sync(fds[index], v4l2.END | v4l2.READ)
            assert not it.stale(index, sequence), "the last end took the buffer away"

        for index, sequence in it.frames(WARM_UP):
            nest(index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(50):
                nest(index, sequence)
        for fds in more:
            for fd in fds:
                os.close(fd)
    costs.check(50 * BUFFER, 0)
    assert len(costs.named("vb2_cma_begin")) == len(costs.named("vb2_cma_end")) == 200
    assert {e.fields["open"] for e in costs.named("vb2_cma_begin")} == {"0", "1", "2", "3"}


@vm_test(machine=OURS, settings=LINES)
def a_read_only_dmabuf_counts_for_its_buffer():
    """Two accesses through a dma-buf of VB2_CMA_IOC_READER and one through the export: each frame is synchronised once."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    with camera(exported=True, mapped=True) as it:
        readers = [v4l2.reader_of(node, fd) for fd in it.fds]

        def nest(index, sequence):
            fds = (readers[index], it.fds[index], readers[index])
            for fd in fds:
                v4l2.sync(fd, v4l2.START | v4l2.READ)
                assert not it.stale(index, sequence)
            for fd in fds:
                v4l2.sync(fd, v4l2.END | v4l2.READ)
            error = lib.refused(v4l2.sync, readers[index], v4l2.START | v4l2.READ | v4l2.WRITE)
            assert error.errno == errno.EACCES, error

        for index, sequence in it.frames(WARM_UP):
            nest(index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(50):
                nest(index, sequence)
        for fd in readers:
            os.close(fd)
    os.close(node)
    costs.check(50 * BUFFER, 0)
    assert len(costs.named("vb2_cma_begin")) == len(costs.named("vb2_cma_end")) == 150


@vm_test(machine=OURS, settings=LINES)
def nested_processes_pay_once():
    """Four processes with nested accesses: each frame is synchronised once, and the end of one access does not end the others."""
    with camera(exported=True) as it:
        readers = [Reader(it) for _ in range(4)]

        def nest(index, sequence):
            for reader in readers:
                assert reader.ask("begin", index, sequence) == "done"
            for n, reader in enumerate(readers):
                for other in readers[n:]:
                    assert other.ask("look", index, sequence) == "fresh"
                assert reader.ask("end", index, sequence) == "done"

        for index, sequence in it.frames(WARM_UP):
            nest(index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(20):
                nest(index, sequence)
        for reader in readers:
            reader.end()
    costs.check(20 * BUFFER, 0)
    assert costs.syncs("cpu", reason="begin") == 20


@vm_test(machine=OURS, settings=LINES)
def one_who_knows_nothing_is_synced_for():
    """Two processes, one of which does not begin access: each frame is synchronised once at DQBUF, for both."""
    with camera(exported=True, mapped=True) as it:
        other = Reader(it)
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(20):
                assert other.ask("look", index, sequence) == "fresh"
                read_whole(it, index, sequence)
        other.end()
    costs.check(20 * BUFFER, 0)
    assert costs.syncs("cpu", reason="dqbuf") == 20


@vm_test(machine=OURS, settings=LINES)
def a_tenth_of_the_lines_costs_a_tenth():
    """MappedFrame of 10 % of the lines, 500 frames from the first on: 10 to 11 % of their bytes are synchronised."""
    frames = 500
    with Costs() as costs:
        seen = stale.mapped_frame((0, 0.5, 1, 0.1))(SIZE, frames)
    assert not [f for f in seen if f.stale]
    print(costs.summary())

    # Beside the frames there are the board's statistics, which the handler reads whole.
    pixels = {e.fields["buf"] for e in costs.named("vb2_cma_alloc") if int(e.fields["size"]) == BUFFER}
    assert len(pixels) == BUFFERS
    # A buffer's first frame is synchronised whole, when it is mapped: nobody knows its reader yet.
    paid = sum(int(e.fields["bytes"]) for e in costs.named("vb2_cma_sync", target="cpu") if e.fields["buf"] in pixels)
    share = paid / (frames * SIZE.bytes)
    print(f"{paid} bytes in {frames} frames: {share:.4f} of them")
    assert 0.1 <= share <= 0.11, share
    assert costs.bytes("cpu", reason="roi") >= 0.98 * 0.1 * frames * SIZE.bytes
    # And what the kernel zeroed reached memory before the engine wrote.
    assert costs.bytes("device") <= costs.allocated(), costs.summary()


def check_part(costs, fresh, touched):
    """Exactly these cache lines were synchronised, and exactly these are fresh, which only the shim can tell."""
    costs.check(len(touched) * stale.LINE, 0)
    assert costs.lines("cpu") == touched, costs.lines("cpu") ^ touched
    assert maintenance.exists() or fresh == touched, fresh ^ touched


@vm_test(machine=OURS, settings=LINES)
def a_part_is_a_part():
    """VB2_CMA_IOC_SYNC: exactly the lines of the rectangle are synchronised. A later sync makes the whole frame fresh."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    with camera(exported=True, mapped=True) as it:
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        for index, sequence in it.frames(20):
            # 30 lines of 128 bytes at column 64, line 100: two cache lines each.
            part = (100 * SIZE.width + 64, SIZE.width, 128, 30)
            touched = {(part[0] + line * SIZE.width) // stale.LINE + n for line in range(30) for n in range(2)}
            with Costs() as costs:
                v4l2.sync_part(node, it.fds[index], v4l2.START | v4l2.READ, *part)
                fresh = it.fresh(index, sequence)
                v4l2.sync_part(node, it.fds[index], v4l2.START | v4l2.READ, *part)
                v4l2.sync_part(node, it.fds[index], v4l2.END | v4l2.READ, *part)
                v4l2.sync_part(node, it.fds[index], v4l2.END | v4l2.READ, *part)
            check_part(costs, fresh, touched)
            read_whole(it, index, sequence)
    os.close(node)


@vm_test(machine=OURS, settings=LINES)
def a_part_of_packed_lines_is_all_that_it_touches():
    """Packed lines that share cache lines: exactly the cache lines that a part touches are synchronised."""
    size = stale.PACKED
    offset, count = 100 * size.width + 1, 30
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    with camera(exported=True, mapped=True, size=size) as it:
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        # From 259 bytes on the lines are nearer to each other than a cache line is long.
        widths = (1, 63, 64, 65, 128, 258, 259, 321, 322)
        for width, (index, sequence) in zip(widths, it.frames(len(widths))):
            touched = {byte // stale.LINE for line in range(count)
                       for byte in range(offset + line * size.width, offset + line * size.width + width)}
            with Costs() as costs:
                v4l2.sync_part(node, it.fds[index], v4l2.START | v4l2.READ, offset, size.width, width, count)
                fresh = it.fresh(index, sequence)
                v4l2.sync_part(node, it.fds[index], v4l2.END | v4l2.READ, offset, size.width, width, count)
            check_part(costs, fresh, touched)
            read_whole(it, index, sequence)
    os.close(node)


@vm_test(machine=OURS, settings=LINES)
def one_buffer_of_many_packets():
    """A buffer of 6 MiB with a packet of 1500 bytes in each 2048: a START at its offset synchronises exactly its lines."""
    size, room, length = stale.Size(2048, 2048), 2048, 1500
    assert size.bytes == 6 << 20
    # Each 97th packet, which begins 20 bytes behind the start of its room.
    packets = range(20, size.bytes, 97 * room)
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    with camera(exported=True, mapped=True, size=size) as it:
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        for index, sequence in it.frames(2):
            touched = set()
            with Costs() as costs:
                for offset in packets:
                    v4l2.sync_part(node, it.fds[index], v4l2.START | v4l2.READ, offset, length, length, 1)
                    touched |= set(range(offset // stale.LINE, (offset + length - 1) // stale.LINE + 1))
                fresh = it.fresh(index, sequence)
                for offset in packets:
                    v4l2.sync_part(node, it.fds[index], v4l2.END | v4l2.READ, offset, length, length, 1)
            assert touched <= fresh, touched - fresh
            check_part(costs, fresh, touched)
    os.close(node)


@vm_test(machine=OURS, settings=LINES)
def writing_a_part_begins_the_whole():
    """START with WRITE on a part synchronises the whole buffer. The next QBUF cleans it, once."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    part = (100 * SIZE.width, SIZE.width, 1, 1)
    with camera(exported=True, mapped=True, protection=mmap.PROT_READ | mmap.PROT_WRITE) as it:
        def write(index, sequence):
            v4l2.sync_part(node, it.fds[index], v4l2.START | v4l2.RW, *part)
            assert not it.stale(index, sequence)
            it.maps[index][part[0]] = 1
            v4l2.sync_part(node, it.fds[index], v4l2.END | v4l2.RW, *part)

        for index, sequence in it.frames(WARM_UP):
            write(index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(20):
                write(index, sequence)
    costs.check(20 * BUFFER, 20 * BUFFER)
    os.close(node)


@vm_test(machine=OURS, settings=LINES)
def a_writer_pays_at_qbuf():
    """If a program writes, with SYNC or through a plain mapping, only the next QBUF cleans the buffer."""
    writable = mmap.PROT_READ | mmap.PROT_WRITE
    for exported in (True, False):
        with camera(exported=exported, mapped=True, protection=writable) as it:
            for index, sequence in it.frames(WARM_UP):
                pass
            with Costs() as costs:
                for n, (index, sequence) in enumerate(it.frames(40)):
                    if n % 4:
                        continue
                    if exported:
                        v4l2.sync(it.fds[index], v4l2.START | v4l2.RW)
                    it.maps[index][100] = n
                    if exported:
                        v4l2.sync(it.fds[index], v4l2.END | v4l2.RW)
        cleans = costs.named("vb2_cma_sync", target="device", reason="qbuf")
        print(costs.summary())
        assert len(cleans) == 10, f"{len(cleans)} cleans for 10 frames written"


@vm_test(machine=OURS, settings=LINES)
def hints_hold_for_one_use():
    """NO_CACHE_INVALIDATE and NO_CACHE_CLEAN apply only to the use for which they are given."""
    writable = mmap.PROT_READ | mmap.PROT_WRITE
    hint = {0: 0, 1: v4l2.NO_CACHE_INVALIDATE, 2: v4l2.NO_CACHE_CLEAN,
            3: v4l2.NO_CACHE_INVALIDATE | v4l2.NO_CACHE_CLEAN}
    with camera(mapped=True, protection=writable) as it:
        for _ in it.frames(WARM_UP):
            pass
        wanted = {"cpu": 0, "device": 0}
        given = dict.fromkeys(range(BUFFERS), 0)
        with Costs() as costs:
            for n in range(48):
                index, sequence, _ = it.queue.dequeue()
                wanted["cpu"] += not given[index] & v4l2.NO_CACHE_INVALIDATE
                it.maps[index][100] = n
                # Three uses of each buffer in turn, so that each kind of use follows each.
                given[index] = hint[n // 3 % 4]
                wanted["device"] += not given[index] & v4l2.NO_CACHE_CLEAN
                it.queue.queue(index, flags=given[index])
    costs.check(wanted["cpu"] * BUFFER, wanted["device"] * BUFFER)
    assert 0 < wanted["cpu"] < 48 and 0 < wanted["device"] < 48
    skips = {target: len(costs.named("vb2_cma_skip", target=target, reason="hint")) for target in wanted}
    assert skips == {target: 48 - count for target, count in wanted.items()}, skips


@vm_test(machine=OURS, settings=LINES)
def a_hint_does_not_silence_a_begin():
    """A frame that was dequeued without invalidation is synchronised when a reader begins access."""
    with camera(exported=True, mapped=True) as it:
        for index, _ in it.frames(WARM_UP, flags=v4l2.NO_CACHE_INVALIDATE):
            pass
        with Costs() as costs:
            for index, sequence in it.frames(12, flags=v4l2.NO_CACHE_INVALIDATE):
                read_whole(it, index, sequence)
    costs.check(12 * BUFFER, 0)


@vm_test(machine=OURS, settings=LINES)
def contract_costs_all():
    """sync=contract: each frame is synchronised completely at QBUF and at DQBUF, although no program reads it."""
    lib.vb2_cma(sync="contract")
    with camera() as it:
        with Costs() as costs:
            for _ in it.frames(50):
                pass
    costs.check(50 * BUFFER, 50 * BUFFER)


@vm_test(machine=WITHOUT_SYNCS, settings=LINES)
def without_syncs_all_is_stale():
    """vb2-cma without its syncs (planted fault): it counts each frame, the DMA API sees 0 bytes, and every line is stale.

    So the check of all these tests fails. Only the shim can tell that the lines are stale.
    """
    def check_stale(index, sequence):
        # Over the kernel's zeroes a stale frame 0 cannot be told from a fresh one.
        assert maintenance.exists() or it.stale(index, sequence) == SIZE.lines or sequence == 0

    with camera(exported=True, mapped=True) as it:
        with Costs() as costs:
            for index, sequence in it.frames(20):
                check_stale(index, sequence)
                v4l2.sync(it.fds[index], v4l2.START | v4l2.READ)
                check_stale(index, sequence)
                v4l2.sync(it.fds[index], v4l2.END | v4l2.READ)
    assert costs.bytes("cpu") == 20 * BUFFER, costs.summary()
    assert not [event for event in costs.events if event.name.startswith(("dma_sync", "arch_sync"))], costs.summary()
    try:
        costs.check(20 * BUFFER, 0)
    except AssertionError:
        return
    raise AssertionError("the missing syncs were not noticed")


@vm_test(machine=OURS, settings=LINES)
def queued_under_an_access():
    """QBUF during an open access is traced. The access ends, and the next begin synchronises again."""
    with camera(exported=True, mapped=True) as it:
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(12):
                v4l2.sync(it.fds[index], v4l2.START | v4l2.READ)
                assert not it.stale(index, sequence)
        resets = costs.named("vb2_cma_reset", open=1)
        assert len(resets) == 12, costs.summary()
        costs.check(12 * BUFFER, 0)


@vm_test(machine=OURS, settings=LINES)
def a_killed_reader_suppresses_nothing():
    """Ten times, a process is killed between begin and end: later readers get fresh frames."""
    with camera(exported=True, mapped=True) as it:
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        for _ in range(10):
            doomed = Reader(it)
            index, sequence, _ = it.queue.dequeue()
            assert doomed.ask("begin", index, sequence) == "done"
            assert doomed.ask("look", index, sequence) == "fresh"
            doomed.kill()
            read_whole(it, index, sequence)
            with Costs() as costs:
                it.queue.queue(index)
            assert not costs.named("vb2_cma_reset"), "its access should have gone with its mapping"
            for index, sequence in it.frames(BUFFERS):
                read_whole(it, index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(20):
                read_whole(it, index, sequence)
    costs.check(20 * BUFFER, 0)
    assert not costs.named("vb2_cma_reset")


@vm_test(machine=OURS, settings=LINES)
def a_killed_process_without_a_mapping_neither():
    """A process that has only a descriptor is killed during its access: the next QBUF ends the access, and is traced."""
    with camera(exported=True) as it:
        doomed = [Reader(it, mapped=False) for _ in range(BUFFERS)]
        with Costs() as costs:
            for (index, sequence), reader in zip(it.frames(BUFFERS), doomed):
                assert reader.ask("begin", index, sequence) == "done"
                reader.kill()
        assert len(costs.named("vb2_cma_reset", open=1)) == BUFFERS, costs.summary()
        it.map()
        for index, sequence in it.frames(WARM_UP):
            read_whole(it, index, sequence)
        with Costs() as costs:
            for index, sequence in it.frames(20):
                read_whole(it, index, sequence)
    costs.check(20 * BUFFER, 0)
    assert not costs.named("vb2_cma_reset")


@vm_test(machine=OURS, settings=LINES)
def a_begin_before_the_frame_is_not_too_early():
    """Access to the whole buffer or a part begins while the engine has the buffer: the frame is fresh when it arrives."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    begin = v4l2.START | v4l2.READ
    part = (0, SIZE.width, 64, 1)
    for early in (lambda fd: v4l2.sync(fd, begin), lambda fd: v4l2.sync_part(node, fd, begin, *part)):
        with camera(exported=True, mapped=True) as it:
            for index, sequence in it.frames(WARM_UP):
                read_whole(it, index, sequence)
            for _ in range(12):
                index, sequence, _ = it.queue.dequeue()
                read_whole(it, index, sequence)
                it.queue.queue(index)
                early(it.fds[index])
                for again in range(BUFFERS):
                    index, sequence, _ = it.queue.dequeue()
                    if again == BUFFERS - 1:
                        assert not it.stale(index, sequence), "the one that began early"
                    it.queue.queue(index)
    os.close(node)


def refused(node, *arguments, **more):
    try:
        v4l2.sync_part(node, *arguments, **more)
    except OSError as error:
        return error.errno
    return 0


@vm_test(machine=OURS, settings=LINES, needs=["udmabuf"])
def impossible_parts_are_refused():
    """VB2_CMA_IOC_SYNC refuses wrong arguments with the errors in its header, and counts nothing."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    begin = v4l2.START | v4l2.READ
    with camera(exported=True) as it, Costs() as costs:
        fd = it.fds[0]
        good = (0, 640, 640, 1)
        assert refused(node, 1 << 20, begin, *good) == errno.EBADF
        assert refused(node, node, begin, *good) == errno.EINVAL, "no dma-buf"
        for flags in (0, v4l2.START, v4l2.END, 8 | v4l2.READ, 1 << 31 | v4l2.READ):
            assert refused(node, fd, flags, *good) == errno.EINVAL, flags
        for part in ((0, 640, 0, 1), (0, 640, 640, 0), (0, 639, 640, 2), (0, 0, 1, 2)):
            assert refused(node, fd, begin, *part) == errno.EINVAL, part
        assert refused(node, fd, begin, *good, reserved=1) == errno.EINVAL
        for part in ((BUFFER, 1, 1, 1), (BUFFER - 639, 640, 640, 1), (0, 640, 640, BUFFER // 640 + 1),
                     (1 << 63, 640, 640, 1), ((1 << 64) - 1, 640, 640, 1), (0, (1 << 32) - 1, 1, (1 << 32) - 1)):
            assert refused(node, fd, begin, *part) == errno.ERANGE, part
        foreign = udmabuf(BUFFER)
        assert refused(node, foreign, begin, *good) == errno.EOPNOTSUPP
        os.close(foreign)
    assert not costs.named("vb2_cma_begin") and not costs.named("vb2_cma_end")
    os.close(node)
