# SPDX-License-Identifier: MIT
"""Helpers of the tests of other projects' programs: the board's picture, the check, and the data for docs/programs.md.

A picture is right if it has the requested size, and if its mean difference from the board's own picture is below 4 of
255. Each wrong picture needs a reason: a sentence, and a link to the program's source.
"""

import contextlib
import json
import os
import re
import subprocess

import lib
import strides
from declare import Machine, Skip
from reasons import FORMATS, NOTES, REASONS, SIZES

# A picture that stands still, so that every frame of every program shows the same.
STILL = Machine(board=("--source", "/src/docs/pictures/contact-sheet.jpg"), memory="4G")
PACED = {"starved": "drop", "fps": "15", "mark": "off"}
# What GStreamer calls the formats.
GSTREAMER = {"NV12": "NV12", "YUYV": "YUY2", "GREY": "GRAY8", "BGR3": "BGR", "XR24": "BGRx", "XB24": "RGBx",
             "YU12": "I420", "RGB3": "RGB"}
MEAN = 4
FRAMES = 3
# Where the host finds what came of the tries.
FOLDER = "/build/programs"


def foreign(name):
    """The folder of modules that the host built for the tests (tools/foreign_modules.py)."""
    problem = f"/build/foreign/{name}.problem"
    if os.path.exists(problem):
        with open(problem) as f:
            raise Skip(f.read().strip())
    return f"/build/foreign/{name}"


def picture(pixels, width, height):
    """The board's picture in this format, as the driver delivers it with the current controls, in cv2's BGR."""
    import numpy
    path = "/tmp/picture.raw"
    open(path, "wb").close()
    lib.probe("--format", pixels, "--width", width, "--height", height, "--frames", 1, "--dump", path)
    shown = read(pixels, width, height, path)
    assert numpy.std(shown) > 20, f"the board's own picture in {pixels} {width}x{height} shows nothing"
    return shown


def as_bgr(pixels, width, height, data):
    """The last frame of packed bytes of a format, in BGR."""
    import cv2
    import numpy
    pixel, _, halves = strides.FORMATS[pixels]
    shape = {2: (height, width, pixel), 3: (height * 3 // 2, width, 1)}[halves]
    size = int(numpy.prod(shape))
    if len(data) < size:
        raise ValueError(f"{len(data)} bytes instead of {size}")
    samples = numpy.frombuffer(data[len(data) - size:], numpy.uint8).reshape(shape)
    code = {"NV12": cv2.COLOR_YUV2BGR_NV12, "YU12": cv2.COLOR_YUV2BGR_I420, "GREY": cv2.COLOR_GRAY2BGR,
            "YUYV": cv2.COLOR_YUV2BGR_YUYV, "RGB3": cv2.COLOR_RGB2BGR, "XR24": cv2.COLOR_BGRA2BGR,
            "XB24": cv2.COLOR_RGBA2BGR}.get(pixels)
    return samples if code is None else cv2.cvtColor(samples, code)


def every(formats=FORMATS, sizes=SIZES):
    return [(pixels, size) for pixels in formats for size in sizes]


def try_all(program, version, command, cases, show, own_choice=False):
    """Try each case of (format, (width, height)), note the outcome, and fail if a wrong outcome has no reason.

    command: the command line, for the page. show: returns the picture of the program for (format, width, height), in BGR.
    own_choice: the program chooses the format itself.
    """
    tries = []
    for pixels, size in cases:
        entry = judge(program, pixels, size, show)
        tries.append({**entry, "format": ""} if own_choice else entry)
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{FOLDER}/{re.sub('[^a-z0-9]+', '-', program.lower())}.json", "w") as f:
        json.dump({"program": program, "version": version, "command": command, "note": NOTES.get(program, ""), "tries": tries},
                  f, indent=1)
    wrong = [f"{entry['format']} {entry['size']}: {entry['outcome']}" for entry in tries
             if entry["outcome"] != "right" and not entry["reason"]]
    needless = [f"{entry['format']} {entry['size']}: right, in spite of a reason" for entry in tries
                if entry["outcome"] == "right" and entry["reason"]]
    assert not wrong + needless, f"{program}: {'; '.join(wrong + needless)}"


def judge(program, pixels, size, show):
    """The outcome of one case."""
    import numpy
    try:
        shown = show(pixels, *size)
    except lib.WrongStatus:
        outcome = "refused"
    except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as error:
        outcome = str(error).splitlines()[0][:200] or type(error).__name__
    else:
        # Not before: exposure and white balance stay as the program leaves them.
        wanted = picture(pixels, *size)
        if shown.shape[:2] != wanted.shape[:2]:
            outcome = f"{shown.shape[1]}x{shown.shape[0]}"
        else:
            mean = float(numpy.abs(shown.astype(int) - wanted.astype(int)).mean())
            outcome = "right" if mean < MEAN else f"another picture (mean difference {mean:.0f})"
    print(f"{program} {pixels} {size[0]}x{size[1]}: {outcome}", flush=True)
    reason = next((f"{sentence} ({link})" for formats, sizes, sentence, link in REASONS.get(program, ())
                   if pixels in formats and size in sizes), "")
    return {"format": pixels, "size": f"{size[0]}x{size[1]}", "outcome": outcome, "reason": reason}


def package(name):
    """The version of a Debian package."""
    return lib.run(["dpkg-query", "-W", "-f", "${Version}", name]).strip()


@contextlib.contextmanager
def module(name, *parameters):
    """A kernel module, loaded while a block runs. It is given by its name, or by the path of its file."""
    lib.run(["insmod" if "/" in name else "modprobe", name, *parameters])
    try:
        lib.run(["udevadm", "settle"])
        yield
    finally:
        # udev may still look at a node of it.
        loaded = os.path.basename(name).removesuffix(".ko")
        lib.wait_until(lambda: lib.run(["rmmod", loaded], status=None) == "", f"{loaded} unloads")


def forget(*paths):
    """Remove the files of earlier cases."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def read(pixels, width, height, path):
    """The last frame in a file of packed frames."""
    with open(path, "rb") as f:
        return as_bgr(pixels, width, height, f.read())


def caps(pixels, width, height):
    """The caps filter for frames of a format, and their conversion to BGRx, as text for gst-launch-1.0."""
    return (f"video/x-raw,format={GSTREAMER[pixels]},width={width},height={height} ! videoconvert ! "
            "video/x-raw,format=BGRx")


def read_gstreamer(pixels, width, height, path):
    """The last frame in a file of frames that a pipeline with caps() wrote."""
    return narrow(pixels, read("XR24", width, height, path))


def narrow(pixels, shown):
    """Grey as cv2 shows it: cv2 does not change the samples. Programs that apply the colorimetry widen the range."""
    import numpy
    return numpy.rint(16 + shown * (219 / 255)) if pixels == "GREY" else shown


def read_image(path):
    """A JPEG or PNG."""
    import cv2
    shown = cv2.imread(path)
    if shown is None:
        raise ValueError("no picture")
    return shown
