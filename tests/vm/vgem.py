# SPDX-License-Identifier: MIT
"""vgem, the kernel's GPU driver without hardware. It imports dma-bufs. A test attaches fences to them and signals the fences.

The numbers are those of drm/drm.h, drm/vgem_drm.h and linux/dma-buf.h. A fence that is not signalled ends after ten seconds.
"""

import fcntl
import glob
import os
import select
import struct

import lib

_PRIME_HANDLE_TO_FD, _PRIME_FD_TO_HANDLE, _GEM_CLOSE = 0xc00c642d, 0xc00c642e, 0x40086409
_MODE_CREATE_DUMB = 0xc02064b2
_FENCE_ATTACH, _FENCE_SIGNAL = 0xc0106441, 0x40086442
_EXPORT_SYNC_FILE = 0xc0086202
_WRITE = 1      # VGEM_FENCE_WRITE
_SYNC_RW = 3    # DMA_BUF_SYNC_RW


class Vgem:
    def __init__(self):
        lib.run(["modprobe", "vgem"])
        for node in sorted(glob.glob("/dev/dri/card*")):
            if "vgem" in os.path.realpath(f"/sys/class/drm/{os.path.basename(node)}/device"):
                self._fd = os.open(node, os.O_RDWR | os.O_CLOEXEC)
                return
        raise AssertionError("vgem has no device node")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def use(self, dmabuf, write=False):
        """A fence that is open: the device reads the dma-buf, or writes to it, until signal()."""
        handle = struct.unpack("=IIi", fcntl.ioctl(self._fd, _PRIME_FD_TO_HANDLE, struct.pack("=IIi", 0, 0, dmabuf)))[0]
        asked = struct.pack("=IIII", handle, _WRITE if write else 0, 0, 0)
        fence = struct.unpack("=IIII", fcntl.ioctl(self._fd, _FENCE_ATTACH, asked))[2]
        fcntl.ioctl(self._fd, _GEM_CLOSE, struct.pack("=II", handle, 0))
        return fence

    def signal(self, fence):
        fcntl.ioctl(self._fd, _FENCE_SIGNAL, struct.pack("=II", fence, 0))

    def buffer(self):
        """A dma-buf of vgem's own."""
        asked = struct.pack("=IIIIIIQ", 16, 16, 32, 0, 0, 0, 0)
        handle = struct.unpack("=IIIIIIQ", fcntl.ioctl(self._fd, _MODE_CREATE_DUMB, asked))[4]
        asked = struct.pack("=IIi", handle, os.O_CLOEXEC | os.O_RDWR, -1)
        return struct.unpack("=IIi", fcntl.ioctl(self._fd, _PRIME_HANDLE_TO_FD, asked))[2]


def is_read(dmabuf):
    """True if a device still reads or writes a dma-buf."""
    poll = select.poll()
    poll.register(dmabuf, select.POLLOUT)
    return not poll.poll(0)


def sync_file(dmabuf):
    """A file that becomes readable when all fences that exist now have signalled."""
    return struct.unpack("=Ii", fcntl.ioctl(dmabuf, _EXPORT_SYNC_FILE, struct.pack("=Ii", _SYNC_RW, -1)))[1]
