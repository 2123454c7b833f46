# SPDX-License-Identifier: MIT
"""Pixel-exact: every byte that arrives through V4L2 equals the board's own output."""

import lib
from declare import vm_test


FORMATS = ("GREY", "NV12", "YUYV", "Y10 ", "BGR3", "RGGB", "SRGGB10")


def check(pixels, width, height, frames, io="mmap"):
    got, _ = lib.probe("--format", pixels, "--width", width, "--height", height, "--frames", frames,
                       "--buffers", 2 if height > 2000 else 4, "--io", io, "--digest")
    written, _ = lib.Board.session()
    assert len(got) == frames
    digests = set()
    for frame in got:
        assert frame["sha256"] == written[int(frame["seq"])]["sha256"], (pixels, width, height, frame)
        digests.add(frame["sha256"])
    assert len(digests) == frames, "the frames differ from each other"


@vm_test()
def all_formats_vga():
    """Every format at 640x480, 3 frames each by MMAP; NV12 and BGR24 as dma-buf too."""
    for pixels in FORMATS:
        for io in ("mmap", "dmabuf") if pixels in ("NV12", "BGR3") else ("mmap",):
            check(pixels, 640, 480, 3, io)


@vm_test()
def odd_strides():
    """Widths that are no multiple of a cache line keep their stride and their bytes."""
    for width, height in ((322, 242), (16, 16), (1366, 768)):
        check("NV12", width, height, 3)
    for pixels in ("YUYV", "BGR3"):
        check(pixels, 322, 242, 3)


@vm_test()
def uhd():
    """NV12, BGR24 and SRGGB10 at 3840x2160, 2 frames each."""
    for pixels in ("NV12", "BGR3", "SRGGB10"):
        check(pixels, 3840, 2160, 2)


@vm_test(long=True, limit=600)
def many_sizes():
    """Every format at ten sizes up to 4K, 10 frames each."""
    for pixels in FORMATS:
        for size in ((64, 48), (176, 144), (320, 240), (640, 480), (768, 576), (800, 600), (1280, 720),
                     (1920, 1080), (2592, 1944), (3840, 2160)):
            check(pixels, *size, 10)
