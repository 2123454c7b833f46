# SPDX-License-Identifier: MIT
"""Unmodified programs that do not read the stride get the right picture at any size."""

import shutil

import lib
import strides
from declare import Skip, vm_test
from test_boards import TWO

FRAMES = 3
# OpenCV 4.10 lays its own pictures out in lines of a multiple of 4 bytes and fills them as if they were packed: at
# widths such as 650 its three bytes of a pixel come out skewed with any camera; two bytes, unconverted, come out right.
CONVERTED = ((300, 300), (652, 480), (800, 600))
UNCONVERTED = ((650, 480), (722, 406), (18, 16))
# What ffmpeg calls the formats.
NAMES = {"NV12": "nv12", "YUYV": "yuyv422", "GREY": "gray", "BGR3": "bgr24", "RGGB": "bayer_rggb8", "YU12": "yuv420p",
         "RGB3": "rgb24", "XR24": "bgr0"}


def driver_frames(pixels, width, height, count):
    """Frames 0 to count - 1 from the driver, each as an array of lines without padding."""
    import numpy    # the machine has it; the host, which reads this file too, may not
    path = f"/tmp/packed-{pixels}.raw"
    open(path, "wb").close()
    got, _ = lib.probe("--format", pixels, "--width", width, "--height", height, "--frames", count, "--dump", path)
    assert [int(frame["seq"]) for frame in got] == list(range(count)), got
    lines = numpy.fromfile(path, numpy.uint8).reshape(count, height, -1)
    return lines[:, :, :strides.FORMATS[pixels][0] * width]


def as_opencv(pixels, lines, convert):
    """The picture after OpenCV's own conversion, if `convert` is set."""
    import cv2
    import numpy
    samples = numpy.ascontiguousarray(lines).reshape(lines.shape[0], -1, strides.FORMATS[pixels][0])
    code = {"YUYV": cv2.COLOR_YUV2BGR_YUYV, "GREY": cv2.COLOR_GRAY2BGR}.get(pixels)
    return cv2.cvtColor(samples, code) if convert and code is not None else samples


def opencv_frames(pixels, width, height, convert, count):
    """The frames that cv2.VideoCapture reads."""
    import cv2
    capture = cv2.VideoCapture(lib.video(), cv2.CAP_V4L2,
                               [cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*pixels),
                                cv2.CAP_PROP_CONVERT_RGB, int(convert),
                                cv2.CAP_PROP_FRAME_WIDTH, width, cv2.CAP_PROP_FRAME_HEIGHT, height])
    frames = []
    for _ in range(count):
        good, picture = capture.read()
        assert good, f"{pixels} {width}x{height}: OpenCV got nothing"
        frames.append(picture)
    capture.release()
    return frames


# Without a mark: frame n is the same bytes each time the board streams. On the machine of the other tests that import
# OpenCV, which takes its time where none has done so before.
@vm_test(machine=TWO, settings={"mark": "off"}, limit=300)
def opencv_reads_the_right_picture():
    """cv2.VideoCapture by V4L2, YUYV, GREY and BGR3: each pixel equals the driver's bytes."""
    opencv([(pixels, 300, 300, True) for pixels in ("YUYV", "GREY", "BGR3")])


@vm_test(settings={"mark": "off"}, limit=300, long=True)
def opencv_reads_the_right_picture_at_many_sizes():
    """cv2.VideoCapture by V4L2, YUYV, GREY and BGR3 at each size: each pixel equals the driver's bytes."""
    opencv([(pixels, *size, True) for pixels in ("YUYV", "GREY", "BGR3") for size in CONVERTED] +
           [("YUYV", *size, False) for size in UNCONVERTED])


def opencv(cases):
    import numpy
    for pixels, width, height, convert in cases:
        # OpenCV keeps the first frame for itself.
        wanted = [as_opencv(pixels, lines, convert) for lines in driver_frames(pixels, width, height, 1 + FRAMES)]
        got = opencv_frames(pixels, width, height, convert, FRAMES)
        found = [next((n for n, picture in enumerate(wanted) if numpy.array_equal(picture, frame)), None)
                 for frame in got]
        assert None not in found and found == sorted(set(found)), (pixels, width, height, convert, found)


@vm_test(settings={"digest": "sha256"}, limit=300)
def ffmpeg_reads_the_right_bytes():
    """ffmpeg -f v4l2, YUYV and BGR3 at 300x300: each byte is the board's."""
    ffmpeg(((300, 300),), "YUYV", "BGR3")


@vm_test(settings={"digest": "sha256"}, limit=300, long=True)
def ffmpeg_reads_the_right_bytes_at_both_sizes():
    """ffmpeg -f v4l2, each format of ffmpeg at 800x600 and at 300x300: each byte is the board's."""
    ffmpeg(((800, 600), (300, 300)), *NAMES)


def ffmpeg(sizes, *formats):
    if not shutil.which("ffmpeg"):
        raise Skip("there is no ffmpeg here")
    for pixels in formats:
        name = NAMES[pixels]
        for width, height in sizes:
            path = "/tmp/packed-ffmpeg.raw"
            lib.run(["ffmpeg", "-nostdin", "-hide_banner", "-y", "-f", "v4l2", "-input_format", name,
                     "-video_size", f"{width}x{height}", "-i", lib.video(), "-frames:v", str(FRAMES),
                     "-fps_mode", "passthrough", "-f", "rawvideo", path])
            with open(path, "rb") as f:
                pixels_of_all = f.read()
            size = len(pixels_of_all) // FRAMES
            written, _ = lib.Board.session()
            got = [lib.sha256(pixels_of_all[n * size:(n + 1) * size]) for n in range(FRAMES)]
            assert got == [written[n]["sha256"] for n in range(FRAMES)], (pixels, width, height)
