# SPDX-License-Identifier: MIT
"""Cameras of other makers: the element and the library on libcamera's virtual camera."""

import contextlib
import errno
import os

import lib
from declare import vm_test
from test_cmacamsrc import gst
from test_library import failure, module

FOLDER = "/usr/share/libcamera/pipeline/virtual"
WIDTH, HEIGHT = 320, 240
# Luma and chroma of the eight bars, as libyuv makes them of white, yellow, cyan, green, magenta, red, blue and black.
BARS = ((235, 128, 128), (210, 16, 146), (170, 166, 16), (145, 54, 34), (106, 202, 222), (81, 90, 240), (41, 240, 110),
        (16, 128, 128))


def one_thread_at_a_time():
    """Run the threads of this process and its children one after the other, without preemption.

    The reason: libcamera's virtual camera (0.7.2, VirtualCameraData::processRequest()) still reads a request after it has
    completed the request's last buffer. libcamera allows a program to reuse the request at once. Then the camera's thread can
    crash.
    """
    os.sched_setaffinity(0, {0})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@contextlib.contextmanager
def virtual_camera():
    """While the block runs, libcamera has a virtual camera without a device. Yields its name."""
    one_thread_at_a_time()
    # The root folder cannot be written to.
    lib.run(["busybox", "mount", "-t", "tmpfs", "virtual", FOLDER])
    try:
        with open(f"{FOLDER}/virtual.yaml", "w") as f:
            f.write('%YAML 1.1\n---\n"Bars":\n  supported_formats:\n'
                    f"  - width: {WIDTH}\n    height: {HEIGHT}\n  test_pattern: bars\n")
        yield "Bars"
    finally:
        lib.run(["busybox", "umount", FOLDER])


def check_bars(nv12, number):
    """Check every pixel of frame `number` of a configuration. The bars move to the left by one column in each frame."""
    def bar(column):
        return (column + number + 1) % WIDTH * len(BARS) // WIDTH

    luma, chroma = nv12[:WIDTH], nv12[WIDTH * HEIGHT:][:WIDTH]
    assert nv12 == luma * HEIGHT + chroma * (HEIGHT // 2), f"frame {number}: lines differ, or there are {len(nv12)} bytes"
    for column in range(WIDTH):
        wanted = BARS[bar(column)]
        assert abs(luma[column] - wanted[0]) <= 2, (number, column, luma.hex())
        # Between two bars the colour is a mean of both.
        if column % 2 == 0 and bar(column) == bar(column + 1):
            seen = chroma[column:column + 2]
            assert all(abs(a - b) <= 3 for a, b in zip(seen, wanted[1:])), (number, column, chroma.hex())


@vm_test()
def the_element_shows_the_right_picture():
    """cmacamsrc on the virtual camera: each pixel of 3 frames of main and of lores is right, and dma-bufs are available."""
    with virtual_camera() as name:
        lib.expect(lib.run(["cam", "-l"]), rf"\({name}\)")
        source = f"cmacamsrc camera-name={name} num-buffers=3"
        gst(source, "video/x-raw,format=NV12", "multifilesink location=/tmp/main-%d.bin")
        gst(source, "video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=NV12", "fakesink")
        gst(source, f"fakesink {source} stream=lores", "multifilesink location=/tmp/lores-%d.bin")
    for stream in ("main", "lores"):
        for number in range(3):
            with open(f"/tmp/{stream}-{number}.bin", "rb") as f:
                check_bars(f.read(), number)


@vm_test()
def what_the_element_cannot_do_there_is_said():
    """An unknown control, an unsupported size, and two users of one stream of the virtual camera: one sentence each."""
    with virtual_camera() as name:
        source = f"cmacamsrc camera-name={name}"
        out = gst(f"{source} exposure-time=5000", "fakesink", status=None, limit=60)
        lib.expect(out, rf"ERROR: .*Camera '{name}' has no control 'exposure-time'")
        out = gst(f"{source} ! fakesink {source}", "fakesink", status=None, limit=60)
        lib.expect(out, rf"ERROR: .*Camera '{name}' is in use in this process: its stream main has a user")
        out = gst(source, "video/x-raw,width=640,height=480", "fakesink", status=1, limit=60)
        assert out.count("ERROR: from element") == 1, out


@vm_test()
def the_library_leases_its_frames():
    """Camera on the virtual camera, beside the board's: pixels of both streams, leases, holders, and errors as sentences."""
    camera = module().Camera
    with virtual_camera() as name:
        with camera(id=name, lores=("NV12", WIDTH, HEIGHT), policy="block") as source:
            assert source.layout() == {"format": "NV12", "width": WIDTH, "height": HEIGHT, "stride": WIDTH}
            held = []
            for number in range(source.buffers):
                frame = source.next().hold("detector")
                held.append(frame)
                assert frame.sequence == number
                for stream in ("main", "lores"):
                    with frame.map(stream) as pixels:
                        check_bars(b"".join(plane.tobytes() for plane in pixels.nv12), number)
                with frame.map(roi=(0, 0, 64, 32)) as pixels:
                    assert pixels.gray.shape == (32, 64)
            lib.expect(failure(errno.EBUSY, source.next, timeout=0.5),
                       rf"has none of its {source.buffers} buffers: detector holds {source.buffers} buffers ")
            held.pop().release()
            assert source.next().sequence == source.buffers
            lib.expect(failure(errno.ENOENT, source.set, ExposureTime=5000), "the camera has no control ExposureTime")
        lib.expect(failure(errno.EINVAL, camera, id=name, size=(WIDTH // 2, HEIGHT // 2)),
                   rf"^Camera '{name}' cannot deliver 160x120.*; the nearest that it can deliver is {WIDTH}x{HEIGHT}-NV12")
        lib.expect(failure(errno.ENODEV, camera, id="Stripes"),
                   rf"^No camera is named 'Stripes'; the cameras are .*'{name}'")
        # Without a name the board's camera is preferred.
        with camera() as source:
            assert source.id == lib.camera()
