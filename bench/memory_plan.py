# SPDX-License-Identifier: MIT
"""What ./dev bench memory measures: read by the host, which reports, and by the machine, which runs it."""

import dataclasses

READERS = ("none", "tenth", "once", "twice")
READER_TEXT = {"none": "nothing", "tenth": "a tenth", "once": "all", "twice": "all, twice"}
BUFFERS = 4
MAPPING_READER = "once"   # whose cells tell of allocating and mapping


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    width: int
    height: int
    frames: int   # that count; counts are exact, so a few will do


SIZES = (Size("VGA", 640, 480, 8), Size("1080p", 1920, 1080, 4), Size("4K", 3840, 2160, 2),
         Size("8K", 7680, 4320, 2))
QUICK = ("VGA", "1080p")


@dataclasses.dataclass(frozen=True)
class Allocator:
    """One way to get buffers. source: memory_reader's --source."""

    name: str
    module: str = "vb2-cma"      # parameter allocator of cmacam
    source: str = "export"
    sync: str = "auto"           # parameters of vb2-cma
    mmap: str = "populate"
    boots: tuple = ("traffic", "time")
    readers: tuple = READERS


ALLOCATORS = (
    Allocator("vb2-cma"),
    Allocator("vb2-cma sync=contract", sync="contract"),
    Allocator("dma-contig, uncached", module="dma-contig"),
    Allocator("dma-contig-cached", module="dma-contig-cached", source="queue"),
    # libcamera's way with the same buffers: nobody synchronises them, and the reader sees that.
    Allocator("dma-contig-cached, exported", module="dma-contig-cached"),
    Allocator("CMA heap, imported", source="heap"),
    Allocator("vb2-cma mmap=fault", mmap="fault", boots=("time",), readers=("once",)),
)
HEAP = "/dev/dma_heap/default_cma_region"


@dataclasses.dataclass(frozen=True)
class Cell:
    allocator: Allocator
    size: Size
    reader: str

    def buffers(self, boot):
        """Enough for the frames, or what an application has where allocating and mapping are measured."""
        measured = boot == "time" and self.reader == MAPPING_READER
        return BUFFERS if measured else min(BUFFERS, self.size.frames)

    @property
    def key(self):
        return self.allocator.name, self.size.name, self.reader


def cells(boot, sizes):
    """What one boot runs, in an order that loads each driver once."""
    return [Cell(allocator, size, reader) for allocator in ALLOCATORS if boot in allocator.boots
            for size in SIZES if size.name in sizes for reader in allocator.readers]
