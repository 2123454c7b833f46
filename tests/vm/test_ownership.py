# SPDX-License-Identifier: MIT
"""Sequences of calls that once lost data of the CPU, or showed old pixels to a reader. A review found them."""

import contextlib
import mmap
import os
import signal

import lib
import v4l2
from costs import Costs
from declare import Machine, vm_test
from drivers import unload
from importer import BOTH, TO_READ, imported
from test_dmabuf import vivid
from test_unplug import bind_driver, settle

SIZE = 460800
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE
# The board does not snoop the caches. Other devices do, and with SEPARATE only test-importer does not.
MIXED = Machine(noncoherent=True)
SEPARATE = Machine(noncoherent=True, noncoherent_importer=True)
# Two boards, which both snoop at first.
PAIR = Machine(more_boards=((),))
SHIM = "/build/drivers/media/noncoherent.ko"
# The shim says so once for each device that it takes.
TAKEN = "non-coherent: lines"
FRAMES = 6


def one_frame(queue, fd, flags=0):
    """The board writes one frame into the buffer with index 0."""
    queue.queue(0, fd, flags)
    queue.stream()
    assert queue.dequeue()[0] == 0
    queue.stream(False)


@contextlib.contextmanager
def one_exported_buffer():
    """(queue, descriptor) of a queue with one buffer, which the board has written to, so that the kernel's zeroes are out."""
    queue = v4l2.Queue()
    queue.request(1)
    fd = queue.export(0)
    one_frame(queue, -1)
    try:
        yield queue, fd
    finally:
        queue.close()
        os.close(fd)


@vm_test(machine=MIXED)
def an_import_that_ends_keeps_what_was_drawn():
    """A program draws on a frame in a heap buffer. When the import ends, the drawing is still there."""
    lib.heap()
    fd = v4l2.heap_allocate(SIZE)
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    one_frame(queue, fd)
    with v4l2.map_dmabuf(fd, SIZE, WRITABLE) as pixels:
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        frame = bytearray(pixels[:SIZE])
        frame[1000:1100] = pixels[1000:1100] = b"x" * 100
        v4l2.sync(fd, v4l2.END | v4l2.RW)
        queue.request(0, v4l2.DMABUF)
        v4l2.sync(fd, v4l2.START | v4l2.READ)
        assert pixels[:SIZE] == frame, "torn down, the import took the drawing along"
        v4l2.sync(fd, v4l2.END | v4l2.READ)
    queue.close()
    os.close(fd)


@vm_test(machine=MIXED, settings={"digest": "sha256"})
def a_frame_nobody_read_outlives_its_import():
    """An import ends while its buffer is stale: the frame can still be read."""
    lib.heap()
    fd = v4l2.heap_allocate(SIZE)
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    one_frame(queue, fd)
    queue.request(0, v4l2.DMABUF)
    v4l2.sync(fd, v4l2.START | v4l2.READ)
    with v4l2.map_dmabuf(fd, SIZE) as pixels:
        assert lib.sha256(pixels[:SIZE]) == lib.Board.session()[0][0]["sha256"]
    v4l2.sync(fd, v4l2.END | v4l2.READ)
    queue.close()
    os.close(fd)


@vm_test(machine=MIXED)
def what_a_hint_spared_is_not_forgotten():
    """Written, queued with NO_CACHE_CLEAN, then queued without the flag: the second QBUF cleans the buffer."""
    with one_exported_buffer() as (queue, fd):
        with queue.map(0, WRITABLE) as pixels:
            v4l2.sync(fd, v4l2.START | v4l2.RW)
            pixels[0] = 1
            v4l2.sync(fd, v4l2.END | v4l2.RW)
        for flags, cleans in ((v4l2.NO_CACHE_CLEAN, 0), (0, 1), (0, 0)):
            with Costs() as costs:
                one_frame(queue, -1, flags)
            assert costs.syncs("device", reason="qbuf") == cleans, (flags, costs.summary())


@vm_test(machine=MIXED)
def the_kernels_zeroes_are_cleaned_whatever_is_promised():
    """NO_CACHE_CLEAN on the first use of a buffer: it is cleaned anyway, because the kernel wrote the zeroes."""
    queue = v4l2.Queue()
    queue.request(1)
    with Costs() as costs:
        one_frame(queue, -1, v4l2.NO_CACHE_CLEAN)
    assert costs.syncs("device", reason="qbuf") == 1, costs.summary()
    queue.close()


@vm_test()
def a_dead_reader_hides_nothing_from_a_stock_importer():
    """A process dies during its access to a buffer that vivid imports: later begins and ends still synchronise with vivid."""
    lib.heap()
    queue = v4l2.Queue(node=vivid(1))
    fd = v4l2.heap_allocate(SIZE)
    queue.request(1, v4l2.DMABUF)
    one_frame(queue, fd)

    end(with_open_access(fd, v4l2.RW))

    with Costs() as costs:
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        v4l2.sync(fd, v4l2.END | v4l2.RW)
    assert costs.syncs("cpu", reason="begin") == 1, costs.summary()
    assert costs.syncs("device", reason="end") == 1, costs.summary()
    queue.close()
    os.close(fd)
    lib.run(["rmmod", "vivid"])


@vm_test()
def a_dma_buf_to_read_can_be_mapped():
    """A buffer that is exported without O_RDWR can be mapped for reading, but not for writing."""
    queue = v4l2.Queue()
    queue.request(1)
    fd = queue.export(0, os.O_CLOEXEC)
    with v4l2.map_dmabuf(fd, SIZE) as pixels:
        assert pixels[:SIZE] == bytes(SIZE)
    try:
        v4l2.map_dmabuf(fd, SIZE, WRITABLE)
        raise AssertionError("mapped to write what was opened to read")
    except PermissionError:
        pass
    os.close(fd)
    queue.close()


def through_a_snooping_device(take):
    """Stream, and compare each frame that a device reads with the board's. `take` reads the frame of an exported buffer."""
    queue = v4l2.Queue()
    queue.request(4)
    fds = [queue.export(index) for index in range(queue.count)]
    for index in range(queue.count):
        queue.queue(index)
    queue.stream()
    seen = {}
    for _ in range(FRAMES):
        index, sequence, _ = queue.dequeue()
        seen[sequence] = lib.sha256(take(index, fds[index]))
        queue.queue(index)
    queue.stream(False)
    queue.close()
    for fd in fds:
        os.close(fd)
    written, _ = lib.Board.session()
    wrong = [sequence for sequence, digest in seen.items() if digest != written[sequence]["sha256"]]
    assert not wrong, f"frames {wrong} of {sorted(seen)} are old"


@vm_test(machine=MIXED, settings={"digest": "sha256"})
def a_snooping_importer_that_stays_sees_each_frame():
    """The engine does not snoop, and a device that snoops keeps each buffer mapped: this device reads each frame."""
    with contextlib.ExitStack() as stack:
        importers = {}

        def take(index, fd):
            if index not in importers:
                importers[index] = stack.enter_context(imported(fd, TO_READ))
            return importers[index].read(SIZE)
        through_a_snooping_device(take)


@vm_test(machine=MIXED, settings={"digest": "sha256"})
def a_snooping_importer_that_maps_each_frame_sees_it():
    """A device that snoops maps each frame after DQBUF, and unmaps it again: this device reads the frame."""
    def take(index, fd):
        with imported(fd, TO_READ) as importer:
            return importer.read(SIZE)
    through_a_snooping_device(take)


@vm_test(machine=MIXED, settings={"digest": "sha256"})
def a_disciplined_reader_hides_nothing_from_a_snooping_importer():
    """A process that begins access itself has the buffers mapped too: the device that snoops reads each frame."""
    with contextlib.ExitStack() as stack:
        maps, importers = {}, {}

        def take(index, fd):
            if index not in maps:
                maps[index] = stack.enter_context(v4l2.map_dmabuf(fd, SIZE))
                importers[index] = stack.enter_context(imported(fd, TO_READ))
            pixels = importers[index].read(SIZE)
            v4l2.sync(fd, v4l2.START | v4l2.READ)
            v4l2.sync(fd, v4l2.END | v4l2.READ)
            return pixels
        through_a_snooping_device(take)


@vm_test(machine=MIXED)
def what_a_snooping_device_wrote_is_cleaned():
    """A device that snoops has a buffer mapped to write, or had: the next QBUF cleans the buffer. Mapped to read, it does not."""
    with one_exported_buffer() as (queue, fd):
        for direction, cleans in ((TO_READ, 0), (BOTH, 1)):
            with imported(fd, direction) as device:
                if direction == BOTH:
                    device.write(picture(1))
            with Costs() as after:
                one_frame(queue, -1)
            with imported(fd, direction), Costs() as meanwhile:
                one_frame(queue, -1)
            for costs in (after, meanwhile):
                assert costs.syncs("device", reason="qbuf") == cleans, (direction, costs.summary())


@vm_test(machine=MIXED)
def what_a_snooping_device_wrote_is_cleaned_whatever_is_promised():
    """NO_CACHE_CLEAN after a device that snoops wrote: the buffer is cleaned once, because the promise is a program's."""
    with one_exported_buffer() as (queue, fd):
        with imported(fd, BOTH) as device:
            device.write(picture(1))
        for cleans in (1, 0):
            with Costs() as costs:
                one_frame(queue, -1, v4l2.NO_CACHE_CLEAN)
            assert costs.syncs("device", reason="qbuf") == cleans, costs.summary()


@contextlib.contextmanager
def first_board_does_not_snoop():
    """The first board is bound again, under the shim. The second board was bound before the shim was there, so it snoops."""
    board = os.path.basename(lib.pci_device())
    taken = lib.dmesg().count(TAKEN)
    lib.run(["insmod", SHIM, "driver=cmacam"])
    try:
        bind_driver("unbind", board)
        bind_driver("bind", board)
        settle()
        assert lib.dmesg().count(TAKEN) == taken + 1, "one board is under the shim"
        yield
    finally:
        bind_driver("unbind", board)
        unload("noncoherent")
        bind_driver("bind", board)
        settle()


@vm_test(machine=PAIR, needs=["shim"])
def what_a_snooping_engine_wrote_is_cleaned():
    """A board that snoops writes a frame into a buffer of one that does not: the next QBUF of the latter cleans it once."""
    with first_board_does_not_snoop(), one_exported_buffer() as (queue, fd):
        other = v4l2.Queue(node=lib.video(1))
        for flags, ends in ((0, False), (v4l2.NO_CACHE_CLEAN, False), (0, True)):
            other.request(1, v4l2.DMABUF)
            one_frame(other, fd)
            if ends:
                other.request(0, v4l2.DMABUF)
            for cleans in (1, 0):
                with Costs() as costs:
                    one_frame(queue, -1, flags)
                assert costs.syncs("device", reason="qbuf") == cleans, (flags, ends, costs.summary())
        other.close()


def with_open_access(fd, access):
    """Start a process that has mapped the buffer and has begun access to it. Returns its ID."""
    begun, told = os.pipe()
    child = os.fork()
    if child == 0:
        v4l2.map_dmabuf(fd, SIZE)
        v4l2.sync(fd, v4l2.START | access)
        os.write(told, b"x")
        signal.pause()
    assert os.read(begun, 1) == b"x"
    os.close(begun)
    os.close(told)
    return child


def end(child):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@contextlib.contextmanager
def shared_with_a_device(direction):
    """A heap buffer that a stock device which does not snoop has mapped: (descriptor, writable mapping, device)."""
    lib.heap()
    fd = v4l2.heap_allocate(SIZE)
    with v4l2.map_dmabuf(fd, SIZE, WRITABLE) as pixels, imported(fd, direction) as device:
        yield fd, pixels, device
    os.close(fd)


def picture(number):
    return bytes([number & 0xff or 1]) * SIZE


@vm_test(machine=SEPARATE)
def the_end_of_a_writer_publishes_under_a_reader():
    """Another process reads (START) all the time: what a writer wrote until END reaches the device, each time."""
    with shared_with_a_device(TO_READ) as (fd, pixels, device):
        child = with_open_access(fd, v4l2.READ)
        try:
            for number in range(1, 5):
                v4l2.sync(fd, v4l2.START | v4l2.WRITE)
                pixels[:SIZE] = picture(number)
                v4l2.sync(fd, v4l2.END | v4l2.WRITE)
                assert device.read(SIZE) == picture(number), f"picture {number} is not there"
        finally:
            end(child)


@vm_test(machine=SEPARATE)
def a_device_may_map_a_buffer_twice():
    """A device that does not snoop maps a buffer twice: it sees what was written before either mapping, and before each END."""
    with shared_with_a_device(TO_READ) as (fd, pixels, device):
        pixels[:SIZE] = picture(1)
        with imported(fd, TO_READ) as second:
            assert second.read(SIZE) == picture(1), "what was written before the second mapping is not there"
        for number in range(2, 4):
            v4l2.sync(fd, v4l2.START | v4l2.WRITE)
            pixels[:SIZE] = picture(number)
            v4l2.sync(fd, v4l2.END | v4l2.WRITE)
            assert device.read(SIZE) == picture(number), f"picture {number} is not there"


@vm_test(machine=SEPARATE)
def a_begin_without_an_end_sees_what_the_device_wrote():
    """A program calls START for each picture and never END, or END with other flags: it sees each picture of the device."""
    for flags in (None, v4l2.END | v4l2.READ):
        with shared_with_a_device(BOTH) as (fd, pixels, device):
            for number in range(1, 5):
                device.write(picture(number))
                v4l2.sync(fd, v4l2.START | v4l2.RW)
                assert pixels[:SIZE] == picture(number), f"picture {number} is not seen"
                if flags is not None:
                    v4l2.sync(fd, flags)


@vm_test(machine=SEPARATE)
def a_process_that_never_ends_its_access_hides_nothing_from_others():
    """One process calls START to write for each picture and never END: another process that keeps to the rules sees each."""
    with shared_with_a_device(BOTH) as (fd, pixels, device):
        for _ in range(2):
            v4l2.sync(fd, v4l2.START | v4l2.RW)
        other = Another(fd)
        for number in range(1, 5):
            device.write(picture(number))
            assert other.sees(number), f"picture {number} is not seen"
            v4l2.sync(fd, v4l2.START | v4l2.RW)
        other.end()


@vm_test(machine=SEPARATE)
def a_begin_does_not_lose_what_another_process_writes():
    """Between START and END of a writer, another process begins to read: all that was written reaches the device."""
    with shared_with_a_device(BOTH) as (fd, pixels, device):
        other = Another(fd)
        for number in range(1, 5):
            v4l2.sync(fd, v4l2.START | v4l2.WRITE)
            pixels[:SIZE // 2] = picture(number)[:SIZE // 2]
            other.sees(number)
            pixels[SIZE // 2:SIZE] = picture(number)[SIZE // 2:]
            v4l2.sync(fd, v4l2.END | v4l2.WRITE)
            assert device.read(SIZE) == picture(number), f"picture {number} has lost lines"
        other.end()


@vm_test(machine=SEPARATE)
def a_begin_does_not_lose_what_was_written_before():
    """A program writes without an access, or with accesses within each other: the next begin does not drop the lines."""
    start, end_ = v4l2.START | v4l2.WRITE, v4l2.END | v4l2.WRITE
    for before in ((), (start, end_), (start, start, end_)):
        with shared_with_a_device(BOTH) as (fd, pixels, device):
            for flags in before:
                v4l2.sync(fd, flags)
            pixels[:SIZE] = picture(1)
            v4l2.sync(fd, v4l2.START | v4l2.READ)
            assert pixels[:SIZE] == picture(1), f"the picture is lost after {before}"
            assert device.read(SIZE) == picture(1), f"the device does not see the picture after {before}"


@vm_test(machine=SEPARATE)
def one_begin_without_an_end_hides_nothing_for_long():
    """A thread that lives on calls START to write once, or with a START to read in it: others see what the device wrote."""
    for flags in ((v4l2.START | v4l2.WRITE,), (v4l2.START | v4l2.WRITE, v4l2.START | v4l2.READ, v4l2.END | v4l2.WRITE)):
        with shared_with_a_device(BOTH) as (fd, _, device):
            other = Another(fd)
            for each in flags:
                v4l2.sync(fd, each)
            for number in range(1, 4):
                device.write(picture(number))
                lib.wait_until(lambda: other.sees(number), f"picture {number} is seen")
            other.end()


class Another:
    """A process that has mapped the buffer, and begins and ends access as the rules say."""

    def __init__(self, fd):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                pixels = v4l2.map_dmabuf(fd, SIZE)
                while number := os.read(commands, 1)[0]:
                    v4l2.sync(fd, v4l2.START | v4l2.READ)
                    right = pixels[:SIZE] == picture(number)
                    v4l2.sync(fd, v4l2.END | v4l2.READ)
                    os.write(answers, b"1" if right else b"0")
            finally:
                os._exit(0)
        os.close(commands)
        os.close(answers)

    def sees(self, number):
        """Whether the process sees picture `number`, which is not 0."""
        os.write(self._to, bytes([number]))
        return os.read(self._from, 1) == b"1"

    def end(self):
        os.write(self._to, b"\0")
        os.waitpid(self._pid, 0)
        os.close(self._from)
        os.close(self._to)


@vm_test(machine=MIXED, settings={"digest": "sha256"})
def a_mapping_of_the_node_is_fresh_whatever_others_do():
    """One thread calls SYNC on every second frame. Each frame that is read from the node's mapping after DQBUF is fresh."""
    queue = v4l2.Queue()
    queue.request(4)
    fds = [queue.export(index) for index in range(queue.count)]
    maps = [queue.map(index) for index in range(queue.count)]
    for index in range(queue.count):
        queue.queue(index)
    queue.stream()
    seen = {}
    for number in range(24):
        index, sequence, _ = queue.dequeue()
        seen[sequence] = lib.sha256(maps[index][:SIZE])
        # Each buffer is announced in some of its cycles, and not in others.
        if number % 3:
            v4l2.sync(fds[index], v4l2.START | v4l2.READ)
            v4l2.sync(fds[index], v4l2.END | v4l2.READ)
        queue.queue(index)
    queue.stream(False)
    queue.close()
    for fd, mapped in zip(fds, maps):
        os.close(fd)
        mapped.close()
    written, _ = lib.Board.session()
    wrong = [sequence for sequence, digest in seen.items() if digest != written[sequence]["sha256"]]
    assert not wrong, f"frames {wrong} of {sorted(seen)} are old"
