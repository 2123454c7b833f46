# SPDX-License-Identifier: MIT
"""The third device of a dma-buf (tests/vm/importer/): a stock importer that reads and writes when a test tells it to."""

import contextlib
import fcntl
import os

import lib

NODE = "/dev/test-importer"
MODULE = f"{lib.PROBES}/importer/test-importer.ko"
# _IO('i', enum dma_data_direction)
BOTH, TO_READ, TO_WRITE = (ord("i") << 8 | direction for direction in range(3))


class Importer:
    """A dma-buf that the device has mapped."""

    def __init__(self, dmabuf, direction):
        self._fd = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(self._fd, direction, dmabuf)

    def read(self, size, offset=0):
        """The bytes that the device reads."""
        return os.pread(self._fd, size, offset)

    def write(self, data, offset=0):
        """The device writes these bytes."""
        assert os.pwrite(self._fd, data, offset) == len(data)

    def close(self):
        os.close(self._fd)


@contextlib.contextmanager
def imported(dmabuf, direction):
    """The device has the dma-buf mapped while the block runs."""
    if not os.path.exists(NODE):
        lib.run(["insmod", MODULE])
        lib.wait_until(lambda: os.path.exists(NODE), NODE)
    importer = Importer(dmabuf, direction)
    try:
        yield importer
    finally:
        importer.close()
