# SPDX-License-Identifier: MIT
"""The memory type of a mapping, from the page tables (tests/vm/importer/test-attributes.c)."""

import ctypes
import fcntl
import mmap
import os
import struct

import lib

NODE = "/dev/test-attributes"
MODULE = f"{lib.PROBES}/importer/test-attributes.ko"
_OF_USER, _OF_LINEAR, _OF_VMAP = (ord("a") << 8 | number for number in range(3))

CACHED, NOT_CACHED = "write-back", "write-combining"
# The encodings of IA32_PAT and of MAIR_EL1. On arm64, Normal Non-cacheable memory is what other machines call write-combining.
_TYPES = {"x86_64": {6: CACHED, 1: NOT_CACHED},
          "aarch64": {0xff: CACHED, 0xf0: CACHED, 0x44: NOT_CACHED}}.get(os.uname().machine, {})


def address_of(mapping):
    """The address of a mapping that can be written."""
    return ctypes.addressof(ctypes.c_char.from_buffer(mapping))


class Reader:
    """Reads the memory types of mappings."""

    def __init__(self):
        if not os.path.exists(NODE):
            lib.run(["insmod", MODULE])
            lib.wait_until(lambda: os.path.exists(NODE), NODE)
        self._fd = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._fd)

    def user(self, mapping):
        """The type of a mapping of this process, in its first and its last page."""
        return self._both_ends(_OF_USER, mapping)

    def linear(self, mapping):
        """The type of the kernel's linear mapping of the same pages."""
        return self._both_ends(_OF_LINEAR, mapping)

    def vmap(self, dmabuf):
        """The type of the mapping that the exporter of a dma-buf makes for the kernel."""
        return self._ask(_OF_VMAP, dmabuf)

    def _both_ends(self, what, mapping):
        start = address_of(mapping)
        found = set()
        for offset in (0, len(mapping) - mmap.PAGESIZE):
            mapping[offset]         # a page that was never accessed may have no entry
            found.add(self._ask(what, start + offset))
        assert len(found) == 1, found
        return found.pop()

    def _ask(self, what, value):
        # With a buffer that can change, Python returns the result of the call.
        number = fcntl.ioctl(self._fd, what, bytearray(struct.pack("=Q", value)), True)
        return _TYPES.get(number, f"type {number:#x}")
