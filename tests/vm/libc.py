# SPDX-License-Identifier: MIT
"""System calls that Python does not have."""

import ctypes
import mmap
import os
import struct

import v4l2

MAP_FIXED, MREMAP_MAYMOVE, MREMAP_FIXED = 0x10, 1, 2
# -1 as a file descriptor, and as the result of a call that failed
NO_FILE = FAILED = ctypes.c_size_t(-1).value


class Libc:
    """Mappings at given addresses. A mapping does not keep its file open, as one of Python does."""

    _libc = ctypes.CDLL(None, use_errno=True)

    @classmethod
    def _call(cls, name, *arguments):
        function = getattr(cls._libc, name)
        # On 32 bits, half of all addresses would be negative numbers.
        function.restype = ctypes.c_size_t
        done = function(*(ctypes.c_size_t(a) if isinstance(a, int) else a for a in arguments))
        if done == FAILED:
            raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
        return done

    @classmethod
    def reserve(cls, size):
        return cls._call("mmap", 0, size, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, NO_FILE, 0)

    @classmethod
    def map(cls, address, size, fd, offset):
        flags = mmap.MAP_SHARED | (MAP_FIXED if address else 0)
        return cls._call("mmap", address, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, offset)

    @classmethod
    def map_to_read(cls, size, fd):
        return cls._call("mmap", 0, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)

    @classmethod
    def unmap(cls, address, size):
        cls._call("munmap", address, size)

    @classmethod
    def move(cls, address, size, to):
        cls._call("mremap", address, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to)

    @classmethod
    def protect(cls, address, size, protection):
        cls._call("mprotect", address, size, protection)

    @classmethod
    def forget(cls, address, size):
        cls._call("madvise", address, size, mmap.MADV_DONTNEED)

    @classmethod
    def vmsplice(cls, pipe, address, size):
        assert cls._call("vmsplice", pipe, struct.pack("PN", address, size), 1, 0) == size


def map_buffer(queue, index, address=0):
    """Map a buffer of a V4L2 queue, at the caller's address or at any address. Returns (address, size)."""
    buffer = queue.query(index)
    return Libc.map(address, buffer.length, queue.fd, v4l2.offset_of(buffer)), buffer.length
