# SPDX-License-Identifier: MIT
"""Engines that cannot address all memory: frames lie where the engine reaches them.

The guest checks after each test of each subject that no frame was bounced.
"""

import dataclasses
import os

import lib
import v4l2
from declare import Machine, Skip, vm_test
from test_dmabuf import vivid
from test_memory import CARVEOUT, REFUSED, ROOMY, parameters
from tracefs import Trace

NARROW = ("--address-bits", "32")
# The kernel puts the area of this machine above 4 GiB.
HIGH_AREA = dataclasses.replace(ROOMY, board=NARROW)
LOW_AREA = Machine(memory="6G", cma="128M@0-4G", board=NARROW)
BOUNCING = Machine(append="swiotlb=force")
SIZES = ((320, 240), (640, 480), (1280, 720), (3840, 2160))
GIB4 = 1 << 32
BOUNCED = "swiotlb_bounced"     # event of the kernel
FRAMES = 4


def exact_at_each_size(backend):
    """Capture at each size. Each frame is the board's, and each buffer has this backend and is in reach."""
    with Trace("vb2_cma:vb2_cma_alloc") as trace:
        for width, height in SIZES:
            frames, _ = lib.probe("--frames", FRAMES, "--digest", "--width", width, "--height", height)
            written, _ = lib.Board.session()
            assert len(frames) == FRAMES
            for frame in frames:
                assert frame["sha256"] == written[int(frame["seq"])]["sha256"], (width, height, frame)
    allocs = [event.fields for event in trace.named("vb2_cma_alloc")]
    assert len(allocs) >= len(SIZES) * FRAMES
    for alloc in allocs:
        assert alloc["backend"] == backend and int(alloc["dma"], 16) + int(alloc["size"]) <= GIB4, alloc


@vm_test(machine=HIGH_AREA, settings={"digest": "sha256"})
def an_area_above_4_gib_is_passed_over():
    """32 address bits, and a CMA area above 4 GiB: by default, frames of every size come from other RAM and are exact."""
    exact_at_each_size("contig")


@vm_test(machine=LOW_AREA, settings={"digest": "sha256"}, long=True, needs=["cma"])
def an_area_below_4_gib_is_used():
    """32 address bits, and a CMA area where the error message wants it: frames of every size lie in the area."""
    with parameters(backend="cma"):
        exact_at_each_size("cma")


@vm_test(machine=HIGH_AREA, provokes=REFUSED, needs=["cma"])
def the_area_is_refused_in_words():
    """backend=cma and an area above 4 GiB: the error names the address, and a parameter that helps."""
    with parameters(backend="cma"):
        for width, height in (SIZES[0], SIZES[-1]):
            queue = v4l2.Queue(width, height)
            lib.refused(queue.request, 4)
            queue.close()
            lib.expect(lib.last_error(), r"CMA bytes free, but the device cannot address 0x1[0-9a-f]{8}, 0 parked; "
                                     r"boot with cma=(16|64)M@0-4G'?\s*$")


@vm_test(machine=dataclasses.replace(HIGH_AREA, allocator_params=CARVEOUT), provokes=REFUSED)
def a_carveout_is_refused_in_words():
    """A carve-out above 4 GiB: refused with the reason, and no bounce buffer is used."""
    with parameters(backend="carveout"):
        queue = v4l2.Queue()
        lib.refused(queue.request, 4)
        queue.close()
        lib.expect(lib.last_error(),
                   r"268435456 of 268435456 carve-out bytes free, 268435456 in one piece, but the device cannot address "
                   r"0x1[0-9a-f]{8}, 0 parked; set carveout=SIZE@START with a lower START'?\s*$")


# The heap stays for good, and with it vb2-cma, so no other test of such a boot sets parameters of vb2-cma.
@vm_test(machine=LOW_AREA, provokes="cannot be mapped", long=True)
def an_import_out_of_reach_is_refused_in_words():
    """A buffer of the heap lies above 4 GiB: QBUF refuses this buffer, and the error names the address."""
    lib.heap()
    queue = v4l2.Queue()
    with parameters(backend="contig"):
        fd = v4l2.heap_allocate(queue.size)
    queue.request(1, v4l2.DMABUF)
    lib.refused(queue.queue, 0, fd)
    queue.close()
    os.close(fd)
    lib.expect(lib.last_error(), r"dma-buf of vb2-cma cannot be mapped: the device cannot address 0x1[0-9a-f]{8}'?\s*$")


def bounced_for_the_board(trace):
    """The events of swiotlb that name the board. This kernel event writes "dev_name: ", unlike others."""
    return [event for event in trace.events if f"dev_name: {os.path.basename(lib.pci_device())} " in event.said]


@vm_test(machine=BOUNCING, provokes=REFUSED, long=True, needs=["cma"])
def bouncing_is_refused_in_words():
    """swiotlb=force: each backend with pages is refused in words, and nothing is bounced for the board."""
    for backend in ("auto", "cma", "contig"):
        with parameters(backend=backend), Trace("swiotlb") as trace:
            queue = v4l2.Queue(320, 240)
            lib.refused(queue.request, 4)
            queue.close()
        lib.expect(lib.last_error(), r"but the kernel copies all DMA of this device through bounce buffers, 0 parked; "
                                 r"boot without swiotlb=force and without memory encryption'?\s*$")
        assert not bounced_for_the_board(trace), trace.events[:4]


def refused_as_bounced(queue, fd, exporter):
    """QBUF of another exporter's buffer is refused in words. The kernel bounced its mapping, and the trace shows it."""
    queue.request(1, v4l2.DMABUF)
    with Trace("swiotlb") as trace:
        lib.refused(queue.queue, 0, fd)
    assert bounced_for_the_board(trace), trace.events[:4]
    lib.expect(lib.last_error(), f"dma-buf of {exporter} cannot be mapped: the kernel would copy each frame through a bounce "
                                 r"buffer'?\s*$")


@vm_test(machine=HIGH_AREA, provokes=f"cannot be mapped|{BOUNCED}")
def an_import_that_would_be_bounced_is_refused():
    """32 address bits: a small buffer of the system heap lies above 4 GiB, and QBUF refuses it."""
    if not os.path.exists(lib.SYSTEM_HEAP):
        raise Skip("this kernel has no system heap")
    size = 1 << 16      # the heap allocates this in one piece
    queue = v4l2.Queue(320, 200, pixels="GREY")
    assert queue.size <= size
    fd = v4l2.heap_allocate(size, lib.SYSTEM_HEAP)
    refused_as_bounced(queue, fd, "system")
    os.close(fd)
    queue.close()


@vm_test(machine=BOUNCING, provokes="cannot be mapped", long=True)
def a_foreign_import_is_refused_where_all_is_bounced():
    """swiotlb=force: a buffer of vivid is refused too. This is also the counter-test: a bounce is seen in the trace."""
    maker = v4l2.Queue(320, 180, node=vivid(1), pixels="YUYV")
    maker.request(1)
    fd = maker.export(0)
    queue = v4l2.Queue(320, 240)
    refused_as_bounced(queue, fd, "videobuf2_dma_contig")
    queue.close()
    os.close(fd)
    maker.close()
    lib.run(["rmmod", "vivid"])
