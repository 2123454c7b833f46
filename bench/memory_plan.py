# SPDX-License-Identifier: MIT
"""The plan of ./dev bench memory. The host reads it for the report; the machine reads it and measures."""

import dataclasses

READERS = ("none", "tenth", "once", "twice")
READER_TEXT = {"none": "nothing", "tenth": "a tenth", "once": "all", "twice": "all, twice"}
BUFFERS = 4
MAPPING_READER = "once"   # cells of this reader also measure allocation and mapping


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    width: int
    height: int
    frames: int   # number of measured frames; a few are enough, because the counts are exact


SIZES = (Size("VGA", 640, 480, 8), Size("1080p", 1920, 1080, 4), Size("4K", 3840, 2160, 2),
         Size("8K", 7680, 4320, 2))
QUICK = ("VGA", "1080p")


@dataclasses.dataclass(frozen=True)
class Allocator:
    """One way to allocate buffers. source: value of the option --source of memory_reader."""

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
    # libcamera exports the same buffers. No code synchronises them, so the reader reads stale lines.
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
        """Returns the number of buffers of a cell.

        One per frame is enough. Cells that measure allocation and mapping have as many as an application.
        """
        measured = boot == "time" and self.reader == MAPPING_READER
        return BUFFERS if measured else min(BUFFERS, self.size.frames)

    @property
    def key(self):
        return self.allocator.name, self.size.name, self.reader


def cells(boot, sizes):
    """Returns the cells that one boot measures, in an order in which each driver is loaded only once."""
    return [Cell(allocator, size, reader) for allocator in ALLOCATORS if boot in allocator.boots
            for size in SIZES if size.name in sizes for reader in allocator.readers]
