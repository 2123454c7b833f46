# SPDX-License-Identifier: MIT
"""Queues of drivers that know nothing of vb2-cma get its memory (docs/adopt.md)."""

import concurrent.futures
import contextlib
import ctypes
import errno
import os
import re
import tempfile
import threading

import lib
import programs
import stale
import v4l2
from declare import Machine, Skip, vm_test
from drivers import unload
from libc import Libc, map_buffer
from test_compliance import FEWER, PACED, v4l2_compliance
from test_dmabuf import vivid, vivid_frames
from test_porting import CARD, DMABUF, MMAP
from test_stale import DIGESTS, FEW, LARGE, LINES, MORE, READERS, intact, none_stale
from test_unplug import plug_in, remove, running

NAME = "vb2_cma_adopt"
MODULE = "/build/drivers/media/vb2-cma-adopt.ko"
PARAMETERS = f"/sys/module/{NAME}/parameters"
MINICAM = "minicam"
# The example driver, built as one that uses the kernel's own allocator and calls nothing of vb2-cma (planted/stock.h).
MINICAM_STOCK = f"{lib.PROBES}/planted/minicam-stock.ko"

# The board's driver is one of others here: its queues use the kernel's own allocator.
STOCK = Machine(noncoherent=True, allocator="dma-contig")
EVICTING = Machine(noncoherent=True, allocator="dma-contig", evict=2)
OTHERS = Machine(board=CARD, noncoherent=True)
OTHERS_EVICTING = Machine(board=CARD, noncoherent=True, evict=2)
# One of V4L2's own, and a disciplined one. The long tests have all readers of the subject stale.
KINDS = [reader for reader in READERS if reader.name in ("v4l2_mmap", "dmabuf_sync")]
CPU_INSTEAD_OF_DMA = "the driver asks for the kernel's address of a frame, so it writes frames by the CPU"


def get(parameter):
    with open(f"{PARAMETERS}/{parameter}") as f:
        return f.read()


def put(parameter, text):
    with open(f"{PARAMETERS}/{parameter}", "w") as f:
        f.write(text)


def short(node):
    return os.path.basename(node)


@contextlib.contextmanager
def module(*parameters):
    """The module is loaded while the block runs. A test that failed may have left it loaded."""
    unload(NAME)
    lib.run(["insmod", MODULE, *parameters])
    yield
    unload(NAME)


@contextlib.contextmanager
def adopted(node, word=""):
    """The queue of the node is adopted while the block runs."""
    put("adopt", f"{short(node)} {word}")
    lib.expect(get("adopt"), rf"(?m)^{short(node)} ")
    yield
    put("adopt", f"-{short(node)}")
    assert short(node) not in get("adopt").split()


def refuses(error, words, text, parameter="adopt"):
    """Check that a request is refused with this error, and that last_error and the kernel's log have the words."""
    refused = lib.refused(put, parameter, text)
    assert refused.errno == error, refused
    lib.expect(get("last_error"), words)
    lib.expect(lib.dmesg(), f"vb2-cma-adopt: .*{words}")


def fresh(readers, runs):
    for reader in readers:
        print(f"reader {reader.name}", flush=True)
        none_stale(reader, runs)


# Without the line that sets buf_finish in wrap() of drivers/media/vb2-cma-adopt/queue.c, this driver still passes, because
# it calls vb2_cma_buf_finish() itself, which works for adopted queues too. minicam_frames_are_fresh must fail.
@vm_test(machine=STOCK, settings=LINES)
def frames_are_fresh():
    """The board's driver with the stock allocator, adopted: no stale line in 12 frames by V4L2 mmap and by a dma-buf."""
    with module(), adopted(lib.video()):
        fresh(KINDS, FEW)


@vm_test(machine=OTHERS, settings=LINES)
def minicam_frames_are_fresh():
    """A driver that calls nothing of vb2-cma, adopted by its name before it is loaded: no stale line in 12 frames."""
    with module(f"drivers={MINICAM}"):
        with minicam() as node:
            assert get("adopt").split() == [short(node), "dma", MINICAM]
            fresh((MMAP, DMABUF), FEW)
        # The driver's node is gone, and its name stays.
        assert get("adopt") == "" and get("drivers").strip() == MINICAM


@contextlib.contextmanager
def minicam():
    """The example driver of others is loaded while the block runs. Gives its node."""
    unload(MINICAM)
    lib.run(["insmod", MINICAM_STOCK])
    lib.wait_until(lambda: lib.nodes(MINICAM), "the node of the card")
    settle()
    yield lib.node(MINICAM)
    unload(MINICAM)
    assert not lib.nodes(MINICAM)


def settle():
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])


# Without the devm_add_action() in drivers/media/vb2-cma-adopt/device.c, the frame stays stale.
@vm_test(machine=OTHERS, settings={"digest": "sha256"})
def minicam_frames_outlive_the_driver():
    """The adopted driver is unloaded while a frame is exported: its DMA mapping ends, and the frame has every byte."""
    with module(f"drivers={MINICAM}"):
        with minicam() as node:
            queue = v4l2.Queue(node=node)
            index, sequence, used = queue.first_frame()
            dmabuf = queue.export(index)
            queue.close()
            assert "state=stale" in lib.vb2_cma_buffers()
            written = lib.Board.session()[0][sequence]["sha256"]
        assert lib.vb2_cma_buffers().count("\n") == 1 and "state=stale" not in lib.vb2_cma_buffers()
        assert v4l2.digest_of(dmabuf, used) == written
        os.close(dmabuf)


@vm_test(machine=STOCK)
def only_while_the_queue_is_not_busy():
    """A queue with buffers is neither adopted nor given back. In between, its buffers are vb2-cma's, and the module stays."""
    node = lib.video()
    busy = rf"{short(node)}: the queue is busy"
    with module(), contextlib.closing(v4l2.Queue()) as queue:
        queue.request(2)
        assert lib.vb2_cma_buffers() == ""
        refuses(errno.EBUSY, busy, short(node))
        queue.request(0)
        put("adopt", f"{short(node)}\n")
        queue.request(2)
        assert lib.vb2_cma_buffers()
        refuses(errno.EBUSY, busy, f"-{short(node)}")
        lib.expect(lib.run(["rmmod", NAME], status=1), "in use")

        # A frame that a program keeps is mapped for the device, and nobody else would end this mapping.
        kept = queue.export(0)
        queue.request(0)
        refuses(errno.EBUSY, rf"{short(node)}: a program still has frames of the device", f"-{short(node)}")
        lib.expect(lib.run(["rmmod", NAME], status=1), "in use")
        os.close(kept)
        put("adopt", f"-{short(node)}")
        queue.request(2)
        assert lib.vb2_cma_buffers() == ""


@vm_test(machine=STOCK, provokes="invalid for parameter")
def wrong_requests_are_refused():
    """Unknown nodes and words, nodes that do not capture video, and nodes that are not adopted: an error and a sentence each."""
    node, metadata = short(lib.video()), short(lib.metadata())
    with module():
        refuses(errno.ENODEV, "video99: there is no such video node", "video99")
        refuses(errno.EINVAL, "'gpu' is not a known word; the words are: cpu dma", f"{node} gpu")
        refuses(errno.EINVAL, "adopt: write NODE", "\n")
        refuses(errno.EINVAL, "adopt: write NODE", f"-{node} cpu")
        refuses(errno.EINVAL, "adopt: the line is too long", node * 20)
        refuses(errno.ENOENT, f"{node}: the node is not adopted", f"-{node}")
        refuses(errno.EOPNOTSUPP, f"{metadata}: the queue does not capture video", metadata)
        refuses(errno.EINVAL, "'gpu' is not a known word", "minicam:gpu", "drivers")
        refuses(errno.E2BIG, "drivers: there are more than 16 names", ",".join("abcdefghijklmnopqr"), "drivers")
        with adopted(lib.video()):
            put("adopt", f"{node} dma")
            refuses(errno.EBUSY, f"{node}: the queue is adopted with the word dma", f"{node} cpu")
        assert get("adopt") == ""
    lib.expect(lib.run(["insmod", MODULE, f"adopt={node}"], status=1), "insmod")
    lib.expect(lib.dmesg(), "adopt cannot be set when the module is loaded; set drivers instead")


@vm_test()
def queues_of_vb2_cma_are_left_alone():
    """A queue that has vb2-cma's memory already is refused, and is not adopted by the name of its driver either."""
    with module("drivers=cmacam"):
        assert get("adopt") == ""
        refuses(errno.EOPNOTSUPP, "the driver does not use vb2_dma_contig_memops", short(lib.video()))


@vm_test(machine=STOCK, settings={"digest": "sha256"})
def frames_outlive_an_unplug():
    """The board is unplugged while adopted. A frame that a program has stays as it is, and the module can go after it.

    A later node of the same driver is adopted by the driver's name, before anybody can open it.
    """
    with module("drivers=cmacam"):
        queue = v4l2.Queue()
        index, sequence, used = queue.first_frame()
        (address, size), dmabuf = map_buffer(queue, index), queue.export(index)
        written = lib.Board.session()[0][sequence]["sha256"]
        remove()
        assert get("adopt") == "", "a node that is gone is listed"
        # The file is open, and the queue has its buffers.
        lib.expect(lib.run(["rmmod", NAME], status=1), "in use")
        queue.close()
        assert lib.sha256(ctypes.string_at(address, used)) == written
        Libc.unmap(address, size)
        assert v4l2.digest_of(dmabuf, used) == written
        os.close(dmabuf)
        lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")

        plug_in()
        settle()
        lib.expect(get("adopt"), rf"(?m)^{short(lib.video())} dma cmacam$")
        with contextlib.closing(v4l2.Queue()) as queue:
            queue.request(1)
            assert lib.vb2_cma_buffers()
        for line in get("adopt").splitlines():
            put("adopt", f"-{line.split()[0]}")


@contextlib.contextmanager
def vivid_node(allocator=1):
    """vivid is loaded while the block runs. Gives its capture node, which shows a still picture."""
    node = vivid(allocator)
    settle()
    lib.run(["v4l2-ctl", "-d", node, "-c", "horizontal_movement=3,osd_text_mode=2,test_pattern=0"])
    yield node
    unload("vivid")


def mapped_frames(node, count=3, look=lambda queue, data: None):
    """The SHA-256 of frames by V4L2 mmap. look: called with the queue and the bytes of its first buffer at the end."""
    with contextlib.closing(v4l2.Queue(node=node)) as queue:
        queue.request(3)
        maps = [queue.map(index) for index in range(queue.count)]
        try:
            seen = stale.capture(queue, [], maps, count, False, lambda data, *_: data)
            look(queue, maps[0][:])
        finally:
            # A mapping of Python keeps the node open.
            for mapping in maps:
                mapping.close()
    return [lib.sha256(data) for data in seen]


def splice(queue, data):
    """Give the first pages of a buffer to a pipe, which refers to them, and compare what comes out."""
    (address, size), (reader, writer) = map_buffer(queue, 0), os.pipe()
    try:
        Libc.vmsplice(writer, address, 1 << 14)
        assert os.read(reader, 1 << 14) == data[:1 << 14]
    finally:
        Libc.unmap(address, size)
        os.close(reader)
        os.close(writer)


def exported_again(node):
    """The SHA-256 of frames in buffers that the queue allocated, exported, freed and imported, as libcamera does."""
    with contextlib.closing(v4l2.Queue(node=node)) as queue:
        queue.request(3)
        fds = [queue.export(index) for index in range(queue.count)]
    seen = vivid_frames(node, fds)
    for fd in fds:
        os.close(fd)
    return seen


@vm_test(machine=STOCK)
def vivid_writes_by_the_cpu():
    """vivid, adopted: the same picture as before by mmap and by imports, in pages that can be pinned; then it is undone."""
    with vivid_node() as node:
        picture = mapped_frames(node)[0]
        with module():
            with adopted(node):
                assert get("adopt").split() == [short(node), "cpu", "vivid"]
                assert mapped_frames(node, look=splice) == [picture] * 3
                assert exported_again(node) == [picture] * 3
            refused = lib.refused(mapped_frames, node, 3, splice)
            assert refused.errno == errno.EFAULT, refused
            assert lib.vb2_cma_buffers() == ""


@vm_test(machine=STOCK, provokes=CPU_INSTEAD_OF_DMA)
def the_wrong_mode_is_refused():
    """A driver that writes by the CPU, adopted for DMA: streaming fails with EIO and a sentence, and nothing crashes."""
    with vivid_node() as node, module():
        with adopted(node, "dma"):
            error = lib.refused(mapped_frames, node)
            assert error.errno == errno.EIO, error
            lib.expect(get("last_error"), rf"{short(node)}: {CPU_INSTEAD_OF_DMA}")
            lib.expect(lib.dmesg(), CPU_INSTEAD_OF_DMA)
        with adopted(node, "cpu"):
            assert len(mapped_frames(node)) == 3


@vm_test(machine=STOCK, settings=LINES)
def read_works():
    """read() of an adopted node, for which videobuf2 itself asks for the kernel's address: no stale line in 12 frames."""
    with module(), adopted(lib.video()):
        fresh([reader for reader in READERS if reader.name == "read"], FEW)


# The rest runs with --long.

@vm_test(machine=STOCK, settings=LINES, limit=900, long=True)
def long_matrix():
    """All readers of the subject stale on the adopted driver: no stale line in any frame, 60 at VGA and 12 at 1080p."""
    with module("drivers=cmacam"):
        fresh(READERS, (*MORE, *LARGE))
        forget_all()


@vm_test(machine=EVICTING, settings=DIGESTS, limit=900, long=True)
def long_matrix_with_evictions():
    """The same while dirty lines are evicted at random: no stale line, and every frame is the board's."""
    with module("drivers=cmacam"):
        for reader in READERS:
            intact(reader, MORE)
        forget_all()


@vm_test(machine=OTHERS_EVICTING, settings=DIGESTS, limit=600, long=True)
def long_minicam_with_evictions():
    """minicam as a driver of others, adopted, while dirty lines are evicted: no stale line, every frame is the card's."""
    with module(f"drivers={MINICAM}"), minicam():
        for reader in (MMAP, DMABUF):
            intact(reader)


def forget_all():
    for line in get("adopt").splitlines():
        put("adopt", f"-{line.split()[0]}")


@vm_test(machine=STOCK, settings=PACED, limit=300, long=True)
def long_compliance():
    """v4l2-compliance -s on the adopted node of the board: 0 failed, 0 warnings."""
    with module(), adopted(lib.video()):
        v4l2_compliance("-d", lib.video(), FEWER)


@vm_test(machine=STOCK, limit=300, long=True)
def long_vivid_compliance():
    """v4l2-compliance -s on vivid's adopted node: what it says is what it says of the node with the kernel's allocator."""
    def totals(node):
        out = lib.run(["v4l2-compliance", "-d", node, FEWER], status=None, limit=140)
        return [line for line in out.splitlines() if line.startswith(("Total for", "fail:", "\t\tfail:"))]

    with vivid_node() as node, module():
        before = totals(node)
        assert before
        with adopted(node):
            assert totals(node) == before


@vm_test(machine=STOCK, settings={"fps": "60"}, limit=300, long=True)
def long_unplug_while_streaming():
    """The board is unplugged ten times under readers of mmap and of dma-bufs of the adopted node: one clear error each."""
    with module("drivers=cmacam"):
        for io in ("mmap", "dmabuf") * 5:
            before = len(lib.Board.log())
            with running([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--forever", "--io", io]) as (child, said):
                lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming")
                remove()
                status = child.wait(30 * lib.SLOWER)
                assert status == 1 and said().count("v4l2_probe: ") == 1, f"{status} {said()[-500:]}"
            lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")
            plug_in()
            settle()
            assert short(lib.video()) in get("adopt").split()
        forget_all()


@vm_test(machine=STOCK, limit=300, long=True)
def long_requests_beside_streams():
    """Adopting and undoing 150 times while a program starts and stops streams: each is done or refused, no stream fails."""
    node = short(lib.video())
    ended = threading.Event()

    def stream():
        streams = 0
        while not ended.is_set():
            assert len(lib.probe("--frames", 2)[0]) == 2
            streams += 1
        return streams

    def ask(text):
        try:
            put("adopt", text)
        except OSError as error:
            assert error.errno in (errno.EBUSY, errno.ENOENT), error
            return False
        return True

    with module(), concurrent.futures.ThreadPoolExecutor(1) as pool:
        streams = pool.submit(stream)
        try:
            answers = [ask(text) for _ in range(150) for text in (node, f"-{node}")]
        finally:
            ended.set()
        assert streams.result(60 * lib.SLOWER)
        print(f"{answers.count(True)} done, {answers.count(False)} refused, {streams.result()} streams")
        assert answers.count(True)
        forget_all()


@vm_test(machine=STOCK, limit=300, long=True)
def long_udev_rule():
    """The rule of udev in docs/adopt.md adopts the node of a driver that is loaded later."""
    with open("/src/docs/adopt.md") as page:
        rule = next(line.strip() for line in page if line.strip().startswith("ACTION=="))
    path = "/run/udev/rules.d/90-adopt.rules"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with module():
        try:
            with open(path, "w") as f:
                f.write(rule.replace("rkcif", "vivid") + "\n")
            lib.run(["udevadm", "control", "--reload"])
            with vivid_node() as node:
                lib.wait_until(lambda: short(node) in get("adopt").split(), "udev has written the name of the node")
        finally:
            os.unlink(path)
            lib.run(["udevadm", "control", "--reload"])


@vm_test(machine=STOCK, limit=300, long=True)
def long_vimc():
    """vimc, adopted: unmodified cam captures 5 frames of 320x240, which are the same with the kernel's allocator."""
    path = f"{programs.foreign('vimc')}/vimc/vimc.ko"
    built_for = lib.run(["modinfo", "-F", "vermagic", path]).split()[0]
    if built_for != os.uname().release:
        raise Skip(f"vimc was built for the kernel {built_for}")
    lib.run(["modprobe", "-a", *lib.run(["modinfo", "-F", "depends", path]).strip().split(",")])
    with programs.module(path, "allocator=1"), module():
        # Without the time in the picture, all frames are the same.
        for sensor in ("Sensor A", "Sensor B"):
            lib.run(["v4l2-ctl", "-d", lib.node(sensor), "-c", "show_information=2"])
        pictures = frames_of_cam()
        put("drivers", "vimc")
        lib.expect(get("adopt"), r"(?m)^video\d+ cpu vimc$")
        assert frames_of_cam() == pictures
        forget_all()


def frames_of_cam():
    """The SHA-256 of each frame of 320x240 that cam writes."""
    name = re.search(r"\((.*vimc.*)\)", lib.run(["cam", "-l"]))[1]
    with tempfile.TemporaryDirectory() as folder:
        lib.run(["cam", "-c", name, "--stream", "width=320,height=240,pixelformat=BGR888", "--capture=5",
                 f"--file={folder}/#.bin"])
        frames = sorted(os.listdir(folder))
        assert len(frames) == 5, frames
        return [lib.sha256_file(f"{folder}/{frame}") for frame in frames]
