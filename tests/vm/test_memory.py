# SPDX-License-Identifier: MIT
"""The pages of a frame are ordinary pages: what may pin them, and for how long they live."""

import os

import lib
from declare import vm_test


DISK = "/tmp/disk"


def case(name):
    out = lib.run([f"{lib.PROBES}/memory_test", f"--gtest_filter=Memory.{name}"],
                  env={**os.environ, "VIDEO_NODE": lib.video(), "DISK": DISK})
    lib.expect(out, r"\[  PASSED  \] 1 test")


@vm_test()
def direct_io_to_ext4():
    """write() with O_DIRECT from a mapped frame to a file on ext4: the bytes arrive."""
    # Direct I/O needs a real file system: tmpfs would take it for granted.
    os.makedirs(DISK, exist_ok=True)
    lib.run(["modprobe", "-a", "loop", "ext4"])
    lib.run(f"truncate -s 64M {DISK}.img && mkfs.ext4 -q {DISK}.img && busybox mount -o loop {DISK}.img {DISK}")
    case("DirectIo")


@vm_test()
def process_vm_readv():
    """process_vm_readv() reads a mapped frame."""
    case("ReadByProcessVm")


@vm_test(limit=30)
def long_term_pins_fail_at_once():
    """io_uring registered buffers are refused with EOPNOTSUPP, on every kind of mapping; none hangs."""
    case("LongTermPinFailsAtOnce")


@vm_test()
def dma_buf_outlives_its_queue():
    """An exported buffer keeps its bytes after REQBUFS(0) while other frames are captured."""
    case("DmaBufOutlivesItsQueue")


@vm_test()
def pages_in_a_pipe_outlive_their_buffer():
    """Pages spliced into a pipe are not given to anybody else when their buffer is freed."""
    case("PagesInAPipeOutliveTheirBuffer")
