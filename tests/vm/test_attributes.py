# SPDX-License-Identifier: MIT
"""The attribute that one asks for, cached, wc or coherent: each mapping of a buffer has it, by the page tables."""

import contextlib
import dataclasses
import errno
import mmap
import os

import lib
import v4l2
from attributes import CACHED, NOT_CACHED, Reader, address_of
from costs import Costs, camera
from declare import vm_test
from importer import BOTH, imported
from libc import Libc, map_buffer
from test_carveout import KINDS
from test_memory import MEMORY

X86 = os.uname().machine == "x86_64"
RW = mmap.PROT_READ | mmap.PROT_WRITE
NOT_SNOOPING = dataclasses.replace(MEMORY, noncoherent=True)
NEVER_COMBINING = dataclasses.replace(MEMORY, allocator_fault="no-wc")
LINES = {"mark": "lines"}
# On x86, each device snoops the caches, so that coherent memory is cached. The board of the arm64 machine does not snoop.
COHERENT = CACHED if X86 else NOT_CACHED


@contextlib.contextmanager
def buffer():
    """A queue with one buffer, and a dma-buf of it."""
    queue = v4l2.Queue()
    queue.request(1)
    fd = queue.export(0)
    yield queue, fd
    os.close(fd)
    queue.close()


def types():
    """The memory types of the mappings of a new buffer, by their names."""
    with buffer() as (queue, fd), Reader() as reader:
        with queue.map(0, RW) as node, v4l2.map_dmabuf(fd, queue.size, RW) as shared:
            found = {"node": reader.user(node), "dma-buf": reader.user(shared), "kernel": reader.vmap(fd)}
            for protection in (mmap.PROT_READ, RW):
                Libc.protect(address_of(node), len(node), protection)
            found["changed"] = reader.user(node)
            found["linear"] = reader.linear(node)
    print(found)
    return found


def check(wanted, linear):
    found = types()
    assert found.pop("linear") == linear, found
    assert set(found.values()) == {wanted}, found


def refused(reason):
    """Check that no buffer can be allocated, and that the node gives the reason."""
    queue = v4l2.Queue()
    assert lib.refused(queue.request, 1).errno == errno.ENOMEM
    queue.close()
    lib.expect(lib.last_error(), f"0 of \\d+ buffers allocated: .*{reason}.*set attribute=cached")


@vm_test(machine=MEMORY)
def cached_buffers_are_cached():
    """By default, the mappings of a node, of a dma-buf and of the kernel are write-back, and the linear mapping is."""
    for backend in ("auto", "contig", "carveout"):
        lib.vb2_cma(backend=backend)
        check(CACHED, CACHED)


@vm_test(machine=MEMORY)
def wc_buffers_are_write_combining():
    """attribute=wc: the mappings are write-combining (arm64: Normal-NC). On x86 the linear mapping is too, on arm64 it stays."""
    for backend in ("auto", "contig", "carveout"):
        lib.vb2_cma(backend=backend, attribute="wc")
        check(NOT_CACHED, NOT_CACHED if X86 else CACHED)


@vm_test(machine=MEMORY)
def coherent_buffers_are_what_the_dma_api_gives():
    """backend=coherent: the mappings are write-back where the board snoops, and Normal-NC where it does not."""
    lib.vb2_cma(backend="coherent")
    check(COHERENT, CACHED)


@vm_test(machine=NEVER_COMBINING)
def a_missing_attribute_is_seen():
    """The counter-test: if vb2-cma does not apply the attribute, the mappings read as write-back."""
    lib.vb2_cma(attribute="wc")
    assert set(types().values()) == {CACHED}


@vm_test(machine=MEMORY)
def freed_memory_is_cached_again():
    """A cached buffer at the place of a write-combining buffer that was freed: its mappings are write-back."""
    places = set()
    for attribute, wanted in (("wc", NOT_CACHED), ("cached", CACHED)):
        # The carve-out gives the lowest place that is free.
        lib.vb2_cma(backend="carveout", attribute=attribute)
        with buffer() as (queue, _), Reader() as reader, queue.map(0, RW) as node:
            places.add(lib.fields(lib.vb2_cma_buffers())["dma"])
            assert reader.user(node) == wanted
            assert reader.linear(node) == (wanted if X86 else CACHED)
        lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")
    assert len(places) == 1, f"the buffers were not at the same place: {places}"


@vm_test(machine=MEMORY)
def an_importer_shares_a_wc_buffer():
    """A device that imports a wc buffer reads what a program wrote, and the reverse, if the CPU has no old lines of it.

    On arm64, a device that snoops might find such lines. It is refused, with the reason in the kernel's log.
    """
    lib.vb2_cma(attribute="wc")
    with buffer() as (queue, fd), contextlib.ExitStack() as stack:
        if not X86:
            assert lib.refused(stack.enter_context, imported(fd, BOTH)).errno == errno.EFAULT
            lib.expect(lib.dmesg(), "dma-buf cannot be mapped: the device snoops the caches.*set attribute=cached")
            return
        importer = stack.enter_context(imported(fd, BOTH))
        pixels = stack.enter_context(v4l2.map_dmabuf(fd, queue.size, RW))
        with Costs() as costs:
            v4l2.sync(fd, v4l2.START | v4l2.RW)
            pixels[100:105] = b"a dot"
            v4l2.sync(fd, v4l2.END | v4l2.RW)
            assert importer.read(5, 100) == b"a dot"
            importer.write(b"a line", 200)
            v4l2.sync(fd, v4l2.START | v4l2.READ)
            assert pixels[200:206] == b"a line"
            v4l2.sync(fd, v4l2.END | v4l2.READ)
        costs.check(0, 0)


@vm_test(machine=NOT_SNOOPING, settings=LINES)
def wc_frames_need_no_maintenance():
    """On a board that does not snoop, 12 frames in wc buffers are fresh, and no byte is synchronised."""
    lib.vb2_cma(attribute="wc")
    with camera(exported=True, mapped=True) as it:
        with Costs() as costs:
            for index, sequence in it.frames(12):
                assert not it.stale(index, sequence)
    costs.check(0, 0)


@vm_test(machine=MEMORY)
def pages_of_wc_buffers_cannot_be_pinned():
    """vmsplice() of a wc mapping fails: the kernel would use the page through another mapping. debugfs says pins=none."""
    lib.vb2_cma(attribute="wc")
    with buffer() as (queue, _):
        assert lib.fields(lib.vb2_cma_buffers())["pins"] == "none"
        address, size = map_buffer(queue, 0)
        out, into = os.pipe()
        assert lib.refused(Libc.vmsplice, into, address, mmap.PAGESIZE).errno == errno.EFAULT
        os.close(out)
        os.close(into)
        Libc.unmap(address, size)


@vm_test(machine=KINDS["huge"], provokes="cannot change its own mapping", needs=["huge", "memmap"])
def a_carve_out_at_an_address_cannot_be_wc():
    """attribute=wc with carveout=SIZE@START is refused on x86, because the kernel has recorded this range as cached."""
    lib.vb2_cma(backend="carveout", attribute="wc")
    refused("the kernel cannot change its own mapping of this memory")


@vm_test(machine=MEMORY, provokes="backend=coherent")
def coherent_memory_cannot_be_wc():
    """attribute=wc with backend=coherent is refused, and the error names the parameters."""
    lib.vb2_cma(backend="coherent", attribute="wc")
    refused("the mappings of backend=coherent")
