# SPDX-License-Identifier: MIT
"""Tests for stale pixels: each kind of reader reads each 64-byte line, on a board that does not snoop."""

import dataclasses

import lib
import stale
import v4l2
from declare import Machine, vm_test

OURS = Machine(noncoherent=True)
CACHED = Machine(noncoherent=True, allocator="dma-contig-cached")
EVICTING = Machine(noncoherent=True, evict=2)
LINES = {"mark": "lines"}
DIGESTS = {"mark": "lines", "digest": "sha256"}

# (size, frames): with 12 frames each of the 4 buffers is used three times.
FEW, LARGE = ((stale.VGA, 12),), ((stale.FULL_HD, 12),)
MORE, MANY = ((stale.VGA, 60), (stale.FULL_HD, 4)), ((stale.VGA, 500), (stale.FULL_HD, 30))
BAND = (0, 0.5, 1, 0.1)             # left, top, width, height
INNER = (0.15, 0.3, 0.4, 0.25)      # neither edge is that of a cache line


@dataclasses.dataclass(frozen=True)
class Reader:
    """A kind of reader, for which there is one test of each group."""

    name: str
    what: str
    read: object                # see stale.py
    forgotten: bool = True      # by the stock allocator: imported again, and nobody synchronises imports there


READERS = (
    Reader("v4l2_mmap", "V4L2 mmap, no ioctl", stale.probe("--io", "mmap"), forgotten=False),
    Reader("dmabuf_sync", "a dma-buf between SYNC ioctls", stale.probe("--io", "dmabuf", "--sync")),
    Reader("cam_file", "unmodified cam --file", stale.sink(stale.cam_command)),
    Reader("libcamerasrc", "libcamerasrc ! filesink", stale.sink(stale.libcamerasrc_command)),
    Reader("cmacamsrc", "cmacamsrc ! filesink", stale.sink(stale.cmacamsrc_command)),
    Reader("mapped_frame", "MappedFrame, whole", stale.mapped_frame()),
    Reader("mapped_frame_roi", "MappedFrame, two parts", stale.mapped_frame(BAND, INNER)),
    Reader("read", "read() of the video node", stale.read_call, forgotten=False),
    Reader("heap_sync", "an imported heap buffer between SYNC ioctls", stale.heap(disciplined=True), forgotten=False),
    Reader("heap", "an imported heap buffer, no ioctl", stale.heap(disciplined=False)),
    Reader("two_readers", "cam, and a process that reads and syncs the same buffer meanwhile",
           stale.cam_and_a_disciplined_reader),
)


def look(reader, size, count, digest=False):
    seen = reader.read(size, count, digest)
    print(f"{size.width}x{size.height}: {len(seen)} looks, {sum(f.lines for f in seen)} lines,"
          f" {sum(f.stale for f in seen)} stale")
    assert {f.sequence for f in seen} == set(range(count)), [f.sequence for f in seen]
    assert all(f.lines for f in seen)
    return seen


def none_stale(reader, runs):
    """Check that no line is stale in any (size, count) of `runs`."""
    for size, count in runs:
        bad = [f for f in look(reader, size, count) if f.stale]
        assert not bad, bad[:10]


def tests(prefix, purpose, check, readers=READERS, plainly=None, long=False, **declared):
    """Make a test for each reader, with the name `prefix` and the reader's name.

    The plain run has the readers that are named in `plainly`, or all of them.
    """
    for reader in readers:
        def test(reader=reader):
            check(reader)
        test.__doc__ = purpose.format(reader.what)
        left_out = long or (plainly is not None and reader.name not in plainly)
        globals()[prefix + reader.name] = vm_test(long=left_out, **declared)(test)


# One of each kind: V4L2's own way, a disciplined process, one that knows nothing, a part of a frame. All readers
# are in the plain run with evictions, below.
KINDS = ("v4l2_mmap", "dmabuf_sync", "cam_file", "mapped_frame_roi")
tests("fresh_", "vb2-cma, {}: no stale line in any frame, 12 at 1080p.",
      lambda reader: none_stale(reader, LARGE), plainly=KINDS,
      machine=OURS, settings=LINES, limit=300)
tests("long_fresh_", "vb2-cma, {}: no stale line in any frame, 500 at VGA and 30 at 1080p.",
      lambda reader: none_stale(reader, MANY),
      machine=OURS, settings=LINES, limit=600, long=True)


BACKENDS = ("cma", "contig", "coherent")
NAMED = {reader.name: reader for reader in READERS}


@vm_test(machine=OURS, settings=LINES)
def packed_lines_are_fresh():
    """Lines of 322 bytes share cache lines: no line is stale by V4L2 mmap, dma-buf with SYNC, MappedFrame and its parts."""
    for name in ("v4l2_mmap", "dmabuf_sync", "mapped_frame", "mapped_frame_roi"):
        none_stale(NAMED[name], ((stale.PACKED, 12),))


@vm_test(machine=OURS, settings=LINES, limit=300, needs=["cma"])
def every_backend_is_fresh():
    """12 frames on each backend by V4L2 mmap, dma-buf with SYNC, parts by MappedFrame, heap buffers: no line is stale."""
    for backend in BACKENDS:
        print(f"backend={backend}")
        lib.vb2_cma(backend=backend)
        # Coherent memory is so for the device it was allocated for, which is not the board when it is the heap's.
        for name in ("v4l2_mmap", "dmabuf_sync", "mapped_frame_roi", *(["heap"] if backend != "coherent" else [])):
            none_stale(NAMED[name], FEW)


def matrix_of_stock(reader, runs):
    """Check that imported buffers of the stock allocator have stale lines, so that the other tests can fail."""
    if not reader.forgotten:
        none_stale(reader, runs)
        return
    for size, count in runs:
        assert sum(f.stale for f in look(reader, size, count)), "no stale line: the test cannot tell"


STOCK = "dma-contig-cached, {}: stale where buffers are exported and imported again, else not."
tests("stock_", STOCK, lambda reader: matrix_of_stock(reader, FEW), plainly=KINDS,
      machine=CACHED, settings=LINES, limit=300)
tests("long_stock_", STOCK, lambda reader: matrix_of_stock(reader, MORE),
      machine=CACHED, settings=LINES, limit=300, long=True)


# With eviction: what the CPU wrote and nobody cleaned lands in memory at any moment, on top of what the engine wrote.

SCRIBBLERS = (
    Reader("mmap", "V4L2 mmap", stale.scribbler(disciplined=False)),
    Reader("dmabuf", "a dma-buf between SYNC ioctls", stale.scribbler(disciplined=True)),
    Reader("file", "read() from a file into V4L2 mmap", stale.scribbler(False, write=stale.store_from_file)),
    Reader("outside", "/proc/pid/mem of another process", stale.scribbler(False, write=stale.store_from_outside)),
    Reader("child", "a child that ends at once", stale.scribbler(False, write=stale.store_from_child)),
)


def as_written(seen):
    """The frames that differ from the frames that the board wrote."""
    written, _ = lib.Board.session()
    return [f for f in seen if f.sha256 and f.sha256 != written[f.sequence]["sha256"]]


def intact(reader, runs=FEW):
    for size, count in runs:
        seen = look(reader, size, count, digest=True)
        assert not [f for f in seen if f.stale], "stale"
        assert not as_written(seen), "overwritten"


EVICT = "Dirty lines evicted at random, {}: no stale line, every frame is the board's."
OVERWRITTEN = "The same, by {}, with every frame overwritten before it goes back."
tests("evict_", EVICT, intact, machine=EVICTING, settings=DIGESTS, limit=300)
tests("long_evict_", EVICT, lambda reader: intact(reader, MORE),
      machine=EVICTING, settings=DIGESTS, limit=300, long=True)
tests("evict_scribbled_", OVERWRITTEN, intact, SCRIBBLERS, machine=EVICTING, settings=DIGESTS, limit=300)
tests("long_evict_scribbled_", OVERWRITTEN, lambda reader: intact(reader, MORE), SCRIBBLERS,
      machine=EVICTING, settings=DIGESTS, limit=300, long=True)


@vm_test(machine=EVICTING, settings=DIGESTS, limit=300)
def evict_scribbled_on_every_backend():
    """On each backend, also where writes do not fault: frames are right although each was overwritten before it was queued."""
    for backend in BACKENDS:
        print(f"backend={backend}")
        lib.vb2_cma(backend=backend)
        for reader in SCRIBBLERS[:2]:
            intact(reader)


@vm_test(machine=EVICTING, settings=DIGESTS, limit=300)
def evict_is_noticed():
    """A writer that forbids the clean (NO_CACHE_CLEAN) gets frames with its own bytes: so the check can fail."""
    # Between the engine's end and DQBUF's invalidation there is time for that on slow machines only, else by waiting.
    liar = stale.scribbler(disciplined=False, flags=v4l2.NO_CACHE_CLEAN, memory_flags=v4l2.NON_COHERENT,
                           finished=stale.await_evictions)
    (size, count), = FEW
    seen = look(Reader("liar", "", liar), size, count, digest=True)
    assert as_written(seen), "no frame was overwritten: the test cannot tell"
