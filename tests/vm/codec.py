# SPDX-License-Identifier: MIT
"""vicodec, the kernel's codec without hardware. It encodes frames of the camera from their dma-bufs."""

import contextlib
import os

import lib
import programs
import strides
import v4l2

_I_FRAME_QP = 0x990a22      # V4L2_CID_FWHT_I_FRAME_QP


def by_camera(pixels, width, height):
    """A frame of the camera that the encoder read from its dma-buf, and that v4l2-ctl decoded again."""
    with contextlib.ExitStack() as stack:
        encoder = lib.node("stateful-encoder")
        fd = os.open(encoder, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        stack.callback(os.close, fd)
        _, lines, stride, _ = v4l2.try_format(fd, pixels, width, height, kind=v4l2.VIDEO_OUTPUT)
        if lines != height:
            raise ValueError(f"the encoder wants {lines} lines")
        raw = v4l2.Queue(stride // strides.FORMATS[pixels][0], lines, pixels=pixels, kind=v4l2.VIDEO_OUTPUT, fd=fd)
        coded = v4l2.Queue(stride // strides.FORMATS[pixels][0], lines, pixels="FWHT", kind=v4l2.VIDEO_CAPTURE, fd=fd)
        v4l2.select_part(fd, v4l2.CROP, 0, 0, width, height, kind=v4l2.VIDEO_OUTPUT)
        v4l2.set_controls(fd, {_I_FRAME_QP: 10})
        # The encoder's lines are longer than the picture; the camera follows.
        source = stack.enter_context(contextlib.closing(v4l2.Queue(width, height, pixels=pixels, stride=raw.stride)))
        assert (raw.stride, raw.size) == (source.stride, source.size), (raw.stride, raw.size, source.stride, source.size)
        source.request(3)
        frames = [source.export(index) for index in range(source.count)]
        for frame in frames:
            stack.callback(os.close, frame)
        raw.request(1, v4l2.DMABUF)
        coded.request(1)
        for queue in (raw, coded, source):
            queue.stream()
        for index in range(source.count):
            source.queue(index)
        coded.queue(0)
        index, *_ = source.dequeue()
        raw.queue(0, frames[index])
        _, _, used = coded.dequeue()
        with open("/tmp/frame.fwht", "wb") as f:
            f.write(coded.map(0)[:used])
    decoder = lib.node("stateful-decoder")
    lib.run(["v4l2-ctl", "-d", decoder, "--set-fmt-video", f"pixelformat={pixels}", "--stream-out-mmap", "--stream-mmap",
             "--stream-from", "/tmp/frame.fwht", "--stream-to", "/tmp/frame.raw"])
    return programs.read(pixels, width, height, "/tmp/frame.raw")
