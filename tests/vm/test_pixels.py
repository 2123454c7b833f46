# SPDX-License-Identifier: MIT
"""Every byte that arrives through V4L2 equals the board's own output, with any alignment of the engine."""

import os

import lib
import strides
import v4l2
from declare import vm_test

MAX_STRIDE = 32768


def check(pixels, width, height, frames, io="mmap", board=0, stride=0):
    got, _ = lib.probe("--format", pixels, "--width", width, "--height", height, "--stride", stride,
                       "--frames", frames, "--buffers", 2 if height > 2000 else 4, "--io", io, "--digest", board=board)
    written, _ = lib.Board.session(number=board)
    assert len(got) == frames
    bytes_of_a_frame = strides.stride(pixels, width, board, stride) * height * strides.FORMATS[pixels][2] // 2
    digests = set()
    for frame in got:
        assert int(frame["bytes"]) == bytes_of_a_frame, (pixels, width, height, board, frame)
        assert frame["sha256"] == written[int(frame["seq"])]["sha256"], (pixels, width, height, board, frame)
        digests.add(frame["sha256"])
    assert len(digests) == frames, "the frames differ from each other"


@vm_test(machine=strides.MACHINE, settings={"digest": "sha256"})
def all_formats_vga():
    """3 frames of every format at 640x480 by MMAP, and of NV12 and BGR24 also as dma-buf."""
    for pixels in strides.FORMATS:
        for io in ("mmap", "dmabuf") if pixels in ("NV12", "BGR3") else ("mmap",):
            check(pixels, 640, 480, 3, io)


@vm_test(machine=strides.MACHINE)
def every_even_width_is_packed():
    """Each even width from 16 to 66 of each format: lines are packed, or padded to the engine's 64 or 256 bytes."""
    for board in strides.BOARDS:
        fd = os.open(lib.video(board), os.O_RDWR | os.O_CLOEXEC)
        for pixels, (pixel, _, halves) in strides.FORMATS.items():
            for width in range(16, 68, 2):
                wanted = strides.stride(pixels, width, board)
                assert board or wanted == pixel * width
                got = v4l2.try_format(fd, pixels, width, 18)
                assert got == (width, 18, wanted, wanted * 18 * halves // 2), (pixels, board, got)
        os.close(fd)


@vm_test(machine=strides.MACHINE, settings={"digest": "sha256"})
def a_larger_stride_is_kept():
    """If a longer stride is requested, the driver sets the next multiple for engine and format, and the bytes are right."""
    for board in strides.BOARDS:
        fd = os.open(lib.video(board), os.O_RDWR | os.O_CLOEXEC)
        for pixels in strides.FORMATS:
            packed = strides.stride(pixels, 18)
            for least in (*range(1, packed + 9), 1000, MAX_STRIDE - 1, MAX_STRIDE):
                got = v4l2.try_format(fd, pixels, 18, 18, least)
                assert got[2] == strides.stride(pixels, 18, board, least), (pixels, board, least, got)
            for least in (MAX_STRIDE + 1, 0xffffffff):
                assert v4l2.try_format(fd, pixels, 18, 18, least)[2] == MAX_STRIDE, (pixels, board, least)
        os.close(fd)
        for pixels in ("NV12", "YUYV", "BGR3"):
            check(pixels, 322, 242, 2, board=board, stride=1030)


@vm_test(machine=strides.MACHINE, settings={"digest": "sha256"})
def odd_strides():
    """Widths that are not multiples of a cache line, on engines that pack lines and on engines that pad: every byte is right."""
    for board in strides.BOARDS:
        for width, height in ((16, 16), (1366, 768)):
            check("NV12", width, height, 2, board=board)
        for pixels in strides.FORMATS:
            check(pixels, 322, 242, 3, board=board)


@vm_test(machine=strides.MACHINE, settings={"digest": "sha256"})
def uhd():
    """NV12, BGR24 and SRGGB10 at 3840x2160, 2 frames each."""
    for pixels in ("NV12", "BGR3", "RG10"):
        check(pixels, 3840, 2160, 2)


@vm_test(machine=strides.MACHINE, long=True, limit=600, settings={"digest": "sha256"})
def many_sizes():
    """Every format at ten sizes up to 4K, 10 frames each."""
    for pixels in strides.FORMATS:
        for size in ((64, 48), (176, 144), (320, 240), (640, 480), (768, 576), (800, 600), (1280, 720),
                     (1920, 1080), (2592, 1944), (3840, 2160)):
            check(pixels, *size, 10)
