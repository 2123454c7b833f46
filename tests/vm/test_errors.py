# SPDX-License-Identifier: MIT
"""Wrong input gives one clear error, and no frame is lost."""

import concurrent.futures
import ctypes
import errno
import itertools
import mmap
import os
import re
import signal
import struct
import subprocess
import threading
import time

import lib
import v4l2
from declare import Machine, vm_test
from test_memory import MEMORY

# One boot with memory_beyond_mem of test_carveout.
SMALL_CMA = Machine(cma="8M", append="mem=1536M")
NEEDS = r"= 49774592 bytes of contiguous memory needed, \d+ of 8388608 CMA bytes free, 0 parked; boot with cma=64M"


@vm_test(machine=Machine(no_board=True))
def no_board():
    """Without a board there is no device, and cam and gst-launch each report this in one sentence."""
    lib.expect(lib.run(["cam", "-c1", "--capture=1"], status=None), r"(?i)camera 1 not found|no camera|not found")
    out = lib.run(["gst-launch-1.0", "cmacamsrc", "!", "fakesink"], status=None)
    lib.expect(out, r"No camera found")
    assert out.count("ERROR: from element") == 1, out


@vm_test(machine=Machine(board=("--register-version", "3.0")), provokes=r"register interface|version")
def another_major_version():
    """A board of another major version is refused, and the error has both versions."""
    out = lib.dmesg("drivers")
    lines = [line for line in out.splitlines() if "cmacam" in line and "3.0" in line]
    assert len(lines) == 1 and "2.x" in lines[0], out[-2000:]
    assert not os.path.exists("/dev/video0")


@vm_test(machine=Machine(board=("--sensor", "64x65534")), provokes=r"a frame of 65534 lines|unusable sensor|cmacam failed")
def frames_of_more_than_32_bits():
    """A board whose frames could have 3 GB: refused before any allocation, and the error has the sizes."""
    out = lib.dmesg("drivers")
    lib.expect(out, rf"channel 0: a frame of 65534 lines with up to 32768 bytes each could have {65534 * 32768 * 3 // 2} bytes, "
                    rf"but a frame can have at most {(1 << 31) - 1} bytes")
    assert not os.path.exists("/dev/video0")


@vm_test(machine=Machine(driver_params=("packed=fold",)), provokes=r"packed=fold|probe with driver cmacam failed")
def unknown_word_in_packed():
    """packed= with an unknown value: the board is refused, and the error lists the known values."""
    said = [line for line in lib.dmesg("drivers").splitlines() if "packed=fold" in line]
    assert len(said) == 1 and "the values are: pad adjust" in said[0], said
    assert not os.path.exists("/dev/video0")


@vm_test(machine=MEMORY, provokes=r"is not a known value|invalid for parameter")
def unknown_words_for_vb2_cma():
    """sync=, backend= and mmap= with unknown values, at load or at run time: refused, and the error lists the known values."""
    known = {"sync=never": "auto contract", "backend=ram": "auto cma contig carveout coherent",
             "mmap=lazy": "populate fault"}

    def said(setting):
        lines = [line for line in lib.dmesg(setting).splitlines() if "vb2-cma: " in line]
        assert len(lines) == 1 and f"vb2-cma: {setting} is not a known value; the values are: {known[setting]}" in lines[0], lines

    for setting in known:
        lib.mark_log(setting)
        name, _, word = setting.partition("=")
        lib.expect(lib.run(f"/bin/echo {word} >{lib.PARAMETERS}/{name}", status=1), r"Invalid argument")
        said(setting)

    lib.run(["rmmod", "cmacam", "vb2_cma"])
    for setting in known:
        lib.mark_log(setting)
        lib.run(["insmod", "/build/drivers/media/vb2-cma.ko", setting], status=1)
        said(setting)


@vm_test(provokes="")
def unsupported_size():
    """An unsupported size: V4L2 and cam adjust it, GStreamer refuses it, and nothing hangs."""
    out = lib.run(["v4l2-ctl", "-d", lib.video(), "--set-fmt-video=width=100000,height=3,pixelformat=NV12",
                   "--get-fmt-video"])
    lib.expect(out, r"Width/Height\s+: 3840/16")
    out = lib.run(["gst-launch-1.0", "cmacamsrc", "num-buffers=1", "!",
                   "video/x-raw,format=NV12,width=100000,height=100000", "!", "fakesink"], status=1)
    assert out.count("ERROR: from element") == 1, out


@vm_test(provokes=r"a buffer can have at most")
def a_plane_of_4_gib():
    """CREATE_BUFS of 4 GiB, which no buffer can have on any machine: refused, and the error has the limit."""
    queue = v4l2.Queue()
    error = lib.refused(queue.create, 0xfffff001)
    queue.close()
    assert error.errno == errno.ENOMEM, error
    lib.expect(lib.last_error(), r"0 of 1 buffers allocated: 4294967296 bytes needed for each buffer, but a buffer can have at "
                                 r"most 4294963200 bytes'?\s*$")


@vm_test(provokes="")
def a_refused_userptr():
    """REQBUFS with memory of the program (USERPTR): refused, and the error names the kinds of memory that work."""
    queue = v4l2.Queue()
    error = lib.refused(queue.request, 1, 2)
    queue.close()
    assert error.errno == errno.EINVAL, error
    lib.expect(lib.last_error(), r"V4L2_MEMORY_USERPTR.* cannot be used for frames: use V4L2_MEMORY_MMAP or V4L2_MEMORY_DMABUF")


@vm_test(machine=SMALL_CMA, provokes="cma=", needs=["cma"])
def cma_too_small_v4l2():
    """4K in an 8 MB area: REQBUFS fails, with the bytes needed, the bytes free and the parameter to set."""
    lib.vb2_cma(backend="cma")
    out = lib.run([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--width", "3840", "--height", "2160",
                   "--buffers", "4"], status=1)
    lib.expect(out, r"VIDIOC_REQBUFS: Cannot allocate memory")
    said = lib.last_error()
    lib.expect(said, NEEDS)
    lib.expect(lib.dmesg(), NEEDS)
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3, "a size that fits streams afterwards"


@vm_test(machine=SMALL_CMA, provokes="cma=", needs=["cma"])
def cma_too_small_lores():
    """4K of lores in an 8 MB area: only last_error of lores has the sentence, and main streams."""
    lib.vb2_cma(backend="cma")
    lores = lib.node("cmacam-lores")
    lib.probe("--width", 3840, "--height", 2160, "--buffers", 4, device=lores, status=1)
    lib.expect(lib.last_error(lores), NEEDS)
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3
    lib.expect(lib.last_error(), r"(?m)^last_error: '?'?$")


@vm_test(machine=SMALL_CMA)
def area_too_small_is_no_error():
    """By default, 4K in an 8 MB area works, because RAM outside the area is used."""
    frames, _ = lib.probe("--width", 3840, "--height", 2160, "--buffers", 4, "--frames", 3)
    assert len(frames) == 3


@vm_test(machine=SMALL_CMA, provokes="cma=", needs=["cma"])
def cma_too_small_cam():
    """4K in an 8 MB area: cam prints the driver's sentence."""
    lib.vb2_cma(backend="cma")
    out = lib.run(["cam", "-c1", "--stream", "width=3840,height=2160,pixelformat=NV12", "--capture=1"], status=None)
    lib.expect(out, NEEDS)


@vm_test(machine=SMALL_CMA, provokes="cma=", needs=["cma"])
def cma_too_small_gstreamer():
    """4K in an 8 MB area: the element's error in gst-launch has the driver's sentence."""
    lib.vb2_cma(backend="cma")
    out = lib.run(["gst-launch-1.0", "cmacamsrc", "num-buffers=1", "!",
                   "video/x-raw,format=NV12,width=3840,height=2160", "!", "fakesink"], status=1)
    errors = [block for block in out.split("ERROR: from element")[1:]]
    assert len(errors) == 1, out
    lib.expect(errors[0], NEEDS)


class Occupied:
    """Memory of this process in the CMA area. In each MB of the area, a pipe pins one page, so the kernel cannot move it."""

    PAGE, BLOCK, STEP = mmap.PAGESIZE, 1 << 20, 4 << 20
    ENTRIES = 16        # of a pipe

    def __init__(self, size):
        megabytes, start = re.search(r"cma: Reserved (\d+) MiB at (0x[0-9a-f]+)", lib.run(["dmesg"])).groups()
        self._start = int(start, 16)
        self._end = self._start + (int(megabytes) << 20)
        self._memory, self._pipes = [], []
        for _ in range(size // self.STEP):
            self._memory.append(mmap.mmap(-1, self.STEP))
            self._memory[-1][:] = b"x" * self.STEP
        pages = self._one_in_each_block()
        assert len(pages) > 16, f"the kernel put our pages into {len(pages)} blocks only"
        for number, address in enumerate(pages):
            if number % self.ENTRIES == 0:
                self._pipes.append(os.pipe())
            vector = struct.pack("PN", address, self.PAGE)
            assert ctypes.CDLL(None).vmsplice(self._pipes[-1][1], vector, 1, 0) == self.PAGE

    def _one_in_each_block(self):
        """The address of one page of our memory in each block of the area that has one."""
        found = {}
        with open("/proc/self/pagemap", "rb") as f:
            for memory in self._memory:
                address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
                f.seek(address // self.PAGE * 8)
                for (entry,) in struct.iter_unpack("=Q", f.read(self.STEP // self.PAGE * 8)):
                    physical = (entry & (1 << 55) - 1) * self.PAGE
                    if self._start <= physical < self._end:
                        found.setdefault(physical // self.BLOCK, address)
                    address += self.PAGE
        return found.values()

    def leave(self):
        for end in itertools.chain(*self._pipes):
            os.close(end)


@vm_test(machine=Machine(cma="512M", memory="1G"), provokes="bytes of contiguous memory needed", long=True, needs=["cma"])
def an_area_full_of_pinned_pages_is_busy():
    """Pages of another program are pinned in the CMA area: the error is "busy" with bytes. Later the buffer fits."""
    occupied = Occupied(200 << 20)
    lib.vb2_cma(backend="cma")
    queue = v4l2.Queue()
    began = time.monotonic()
    lib.refused(queue.create, 400 << 20)
    print(f"refused after {time.monotonic() - began:.1f} s")
    lib.expect(lib.last_error(), r"\d+ of 536870912 CMA bytes free, \d{9} busy with other pages that the kernel cannot move now, "
                                 r"0 parked; try again later, or set backend=auto")
    occupied.leave()
    assert queue.create(400 << 20) == 0
    queue.close()


@vm_test()
def a_program_cannot_end_the_stream_of_the_next_one():
    """DQBUF fails with flags of a decoder's last frame, and the program ends: the stream of the next program goes on."""
    queue = v4l2.Queue(320, 240)
    queue.request(2)
    queue.stream()
    assert lib.refused(queue.take_out_now, v4l2.DONE | v4l2.LAST).errno == errno.EAGAIN
    queue.close()       # without STREAMOFF
    assert len(lib.probe("--frames", 3)[0]) == 3


@vm_test()
def a_mapping_of_a_buffer_that_is_being_made_fails():
    """One process allocates and frees buffers, and another maps them at any moment: a mapping works or fails with EINVAL."""
    queue = v4l2.Queue(320, 240)
    ended = threading.Event()

    def keep_mapping():
        mapped = failed = 0
        while not ended.is_set():
            try:
                mmap.mmap(queue.fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ).close()
                mapped += 1
            except OSError as error:
                assert error.errno == errno.EINVAL, error
                failed += 1
        return mapped, failed

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        mapping = pool.submit(keep_mapping)
        for _ in range(200):
            queue.request(4)
            queue.request(0)
        ended.set()
        assert all(mapping.result()), mapping.result()
    queue.close()


@vm_test(provokes="buffer too small")
def import_too_small():
    """A dma-buf smaller than the frame is refused at QBUF, with bytes needed and given."""
    out = lib.run([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--io", "dmabuf", "--width", "640",
                   "--height", "480", "--export-height", "240"], status=1)
    lib.expect(out, r"v4l2_probe: VIDIOC_QBUF: ")
    assert out.count("v4l2_probe: ") == 1
    lib.expect(lib.last_error(),
               r"buffer too small: 460800 bytes needed, 233472 given")
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3, "streams afterwards"


@vm_test(settings={"fps": "60"})
def killed_while_streaming():
    """SIGKILL while three kinds of consumers stream and have mappings: the next consumer streams."""
    consumers = ([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--forever"],
                 ["cam", "-c1", "--capture"],
                 ["gst-launch-1.0", "cmacamsrc", "!", "fakesink"])
    for command in consumers:
        before = len(lib.Board.log())
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        lib.wait_until(lambda: len(lib.Board.log()) > before + 20, f"{command[0]} streams", 60)
        child.send_signal(signal.SIGKILL)
        child.wait(30 * lib.SLOWER)
        frames, _ = lib.probe("--frames", 5)
        assert [int(frame["seq"]) for frame in frames] == list(range(5)), command


def allocate_until_killed(ready):
    """Allocate and free buffers of one page in a child process until it is killed. For such buffers, most places are tried."""
    queue = v4l2.Queue(32, 32)
    while True:
        queue.request(8)
        os.write(ready, b".")
        queue.request(0)


@vm_test()
def killed_while_allocating():
    """SIGKILL during allocations, 20 times: the process ends, no memory error is logged, and the next process streams."""
    for number in range(20):
        told, ready = os.pipe()
        child = os.fork()
        if not child:
            allocate_until_killed(ready)
        os.close(ready)
        assert os.read(told, 1) == b"."
        os.kill(child, signal.SIGKILL)
        lib.wait_until(lambda: os.waitpid(child, os.WNOHANG)[0], f"process {number} ends")
        os.close(told)
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3


@vm_test()
def bus_error_is_an_error_frame():
    """A frame that the board could not write has the error flag. The frames before and after it are good."""
    board = lib.Board()
    board.command("fault bus-error 1")
    frames, _ = lib.probe("--frames", 4, "--digest")
    flags = [bool(lib.number(frame["flags"]) & 0x40) for frame in frames]
    assert flags == [True, False, False, False], flags


@vm_test(provokes="lost interrupt|no interrupt|watchdog|missed")
def lost_interrupt_is_survived():
    """The board does not send one interrupt: no frame is lost, and streaming continues."""
    board = lib.Board()
    board.command("fault lose-irq 1")
    frames, _ = lib.probe("--frames", 10)
    assert [int(frame["seq"]) for frame in frames] == list(range(10))


@vm_test(settings={"fps": "60"})
def two_applications_after_one_camera():
    """A second application of each kind gets one clear "busy" sentence. The first loses no frame."""
    before = len(lib.Board.log())
    first = subprocess.Popen(["cam", "-c1", "--capture"], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    try:
        lib.wait_until(lambda: len(lib.Board.log()) > before + 5, "the first one streams", 60)
        lib.expect(lib.run(["cam", "-c1", "--capture=1"], status=None), r"(?i)busy|acquire")
        out = lib.run(["gst-launch-1.0", "cmacamsrc", "!", "fakesink"], status=None)
        assert out.count("ERROR: from element") == 1, out
        lib.expect(out, r"(?i)in use|busy")
        out = lib.run([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--frames", "1"], status=1)
        lib.expect(out, r"Device or resource busy")
        assert out.count("v4l2_probe: ") == 1, out
        seen = len(lib.Board.log())
        lib.wait_until(lambda: len(lib.Board.log()) > seen + 5, "the first one still streams", 60)
    finally:
        first.send_signal(signal.SIGINT)
        status = first.wait(30 * lib.SLOWER)
    assert status == 0, status
    frames, lost = lib.Board.session()
    assert not lost and sorted(frames) == list(range(len(frames)))


@vm_test()
def another_format_while_streaming():
    """VIDIOC_S_FMT and REQBUFS return EBUSY while buffers are allocated. The stream continues without a loss."""
    queue = v4l2.Queue()
    queue.request(4)
    for index in range(4):
        queue.queue(index)
    queue.stream()
    for wanted in range(20):
        for call in (lambda: queue.set_format(320, 240), lambda: queue.request(2)):
            try:
                call()
            except OSError as refused:
                assert refused.errno == errno.EBUSY, refused
            else:
                raise AssertionError("not refused")
        index, sequence, used = queue.dequeue()
        assert (sequence, used) == (wanted, queue.size)
        queue.queue(index)
    queue.stream(False)
    queue.close()


@vm_test()
def controls_out_of_range():
    """V4L2 clamps numbers and refuses unknown menu items, with an error. Frames continue."""
    def value(name):
        return int(lib.run(["v4l2-ctl", "-d", lib.sensor(), "-C", name]).split()[1])

    before = value("test_pattern")
    for wanted, limit in ((2**31 - 1, "max"), (-2**31, "min")):
        lib.run(["v4l2-ctl", "-d", lib.sensor(), "-c", f"analogue_gain={wanted}"])
        listed = lib.run(["v4l2-ctl", "-d", lib.sensor(), "--list-ctrls"])
        line = next(line for line in listed.splitlines() if "analogue_gain" in line)
        assert value("analogue_gain") == int(lib.fields(line)[limit]), line
    out = lib.run(["v4l2-ctl", "-d", lib.sensor(), "-c", "test_pattern=99"], status=None)
    lib.expect(out, r"Numerical result out of range|out of range")
    assert value("test_pattern") == before
    lib.run(["v4l2-ctl", "-d", lib.sensor(), "-c", "analogue_gain=256"])
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3


def restart(rounds):
    """Start streaming, take two frames, stop; every other time with new buffers."""
    queue = v4l2.Queue()
    for round_ in range(rounds):
        if round_ % 2 == 0:
            queue.request(4)
        for index in range(4):
            queue.queue(index)
        queue.stream()
        assert [queue.dequeue()[1] for _ in range(2)] == [0, 1], f"round {round_}"
        queue.stream(False)
        if round_ % 2:
            queue.request(0)
    queue.request(0)
    queue.close()
    assert lib.vb2_cma_buffers() == "", "a buffer was left behind"


@vm_test()
def twenty_restarts():
    """Streaming starts 20 times, each time with frame 0, and no buffer is left."""
    restart(20)


@vm_test(long=True, limit=600)
def two_hundred_restarts():
    """Streaming starts 200 times by V4L2, and 50 times by cam and by cmacamsrc."""
    restart(200)
    for _ in range(50):
        lib.run(["cam", "-c1", "--capture=2"])
        lib.run(["gst-launch-1.0", "-q", "cmacamsrc", "num-buffers=2", "!", "fakesink"])
    restart(1)
