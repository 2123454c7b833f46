# SPDX-License-Identifier: MIT
"""The example driver of docs/porting.md: a small capture card whose driver takes vb2-cma in four calls."""

import contextlib
import ctypes
import dataclasses
import os

import lib
import stale
import v4l2
from declare import Machine, vm_test
from drivers import is_loaded, unload
from libc import Libc, map_buffer
from test_compliance import FEWER, PACED, v4l2_compliance
from test_memory import MEMORY
from test_stale import DIGESTS, FEW, LINES, Reader, intact, look, none_stale
from test_unplug import remove, running

NAME = "minicam"
MODULE = "/build/drivers/media/minicam.ko"
CARD = ("--minicam",)
SNOOPING = Machine(board=CARD)
OURS = Machine(board=CARD, noncoherent=True)
EVICTING = Machine(board=CARD, noncoherent=True, evict=2)
# In a boot that loads no heap: the heap holds a vb2-cma without the fault.
UNSYNCED = dataclasses.replace(MEMORY, board=CARD, noncoherent=True, allocator_fault="no-sync")

MMAP = Reader("mmap", "V4L2 mmap, no ioctl", stale.probe("--io", "mmap", name=NAME))
DMABUF = Reader("dmabuf", "a dma-buf between SYNC ioctls", stale.probe("--io", "dmabuf", "--sync", name=NAME))
# Each of the 4 buffers is used 30 times.
FRAMES = ((stale.VGA, 120),)


@contextlib.contextmanager
def driver():
    """The driver is loaded while the block runs. Gives the video node. A test that failed may have left the driver loaded."""
    if not is_loaded(NAME):
        lib.run(["insmod", MODULE])
    lib.wait_until(lambda: lib.nodes(NAME), "the node of the card")
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])
    yield lib.node(NAME)
    unload(NAME)
    assert not lib.nodes(NAME)


@vm_test(machine=SNOOPING, settings=PACED, limit=300)
def compliance():
    """v4l2-compliance -s on the node of the example, 10 frames: 0 failed, 0 warnings."""
    with driver() as node:
        v4l2_compliance("-d", node, FEWER)


@vm_test(machine=SNOOPING, settings={"digest": "sha256"})
def frames_are_exact():
    """Every byte of 12 frames by V4L2 mmap and of 12 frames by dma-bufs is the card's, and no frame is missing."""
    with driver() as node:
        for io in ("mmap", "dmabuf"):
            frames, _ = lib.probe("--frames", 12, "--io", io, "--digest", device=node)
            written, lost = lib.Board.session()
            assert not lost, lost
            assert [(int(f["seq"]), f["sha256"]) for f in frames] == [(n, written[n]["sha256"]) for n in range(12)]


# Without the line `.buf_finish` in drivers/media/minicam/minicam.c, this test must fail. The next one passes without it,
# because the SYNC ioctl makes a dma-buf valid.
@vm_test(machine=OURS, settings=LINES, limit=300)
def fresh_mmap():
    """The card does not snoop, V4L2 mmap, no ioctl: no stale line in 120 frames."""
    with driver():
        none_stale(MMAP, FRAMES)


@vm_test(machine=OURS, settings=LINES, limit=300)
def fresh_dmabuf():
    """The card does not snoop, a dma-buf between SYNC ioctls: no stale line in 120 frames."""
    with driver():
        none_stale(DMABUF, FRAMES)


@vm_test(machine=EVICTING, settings=DIGESTS, limit=300, long=True)
def evict():
    """Dirty lines are evicted at random, V4L2 mmap and dma-buf: no stale line, every frame is the card's."""
    with driver():
        for reader in (MMAP, DMABUF):
            intact(reader)


@vm_test(machine=UNSYNCED, settings=LINES, needs=["shim"])
def missing_syncs_are_noticed():
    """With a vb2-cma that never synchronises, both readers of the example see stale lines: so the checks can fail."""
    (size, count), = FEW
    with driver():
        for reader in (MMAP, DMABUF):
            assert sum(f.stale for f in look(reader, size, count)), f"{reader.name}: no stale line: the test cannot tell"


def plug_in():
    with open("/sys/bus/pci/rescan", "w") as f:
        f.write("1")
    lib.wait_until(lambda: lib.nodes(NAME), "the node is back")
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])


@vm_test(machine=SNOOPING, settings={"fps": "60"})
def removal_while_streaming():
    """The card is unplugged under readers of mmap and of dma-bufs: one clear error, no buffer is left, the next plug works."""
    with driver():
        for io in ("mmap", "dmabuf"):
            before = len(lib.Board.log())
            with running([f"{lib.PROBES}/v4l2_probe", "--device", lib.node(NAME), "--forever", "--io", io]) as (child, said):
                lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming")
                remove()
                status = child.wait(30 * lib.SLOWER)
                assert status == 1 and said().count("v4l2_probe: ") == 1, f"{status} {said()[-500:]}"
                lib.expect(said(), r"v4l2_probe: \w+: No such device")
            lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")
            plug_in()
            assert len(lib.probe("--frames", 5, "--io", io, device=lib.node(NAME))[0]) == 5


@vm_test(machine=SNOOPING, settings={"digest": "sha256"})
def frames_outlive_the_driver():
    """The driver is unloaded while a frame is mapped and exported: both have every byte of the frame until they are closed."""
    with driver() as node:
        queue = v4l2.Queue(node=node)
        index, sequence, used = queue.first_frame()
        # Not an mmap object of Python, which would keep the node open.
        (address, size), dmabuf = map_buffer(queue, index), queue.export(index)
        lib.expect(lib.run(["rmmod", NAME], status=1), "in use")
        queue.close()
    written = lib.Board.session()[0][sequence]["sha256"]
    assert lib.sha256(ctypes.string_at(address, used)) == written
    Libc.unmap(address, size)
    assert v4l2.digest_of(dmabuf, used) == written
    os.close(dmabuf)
    lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")
