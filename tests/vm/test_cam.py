# SPDX-License-Identifier: MIT
"""libcamera: unmodified cam and libcamerasrc on the handler."""

import glob
import os
import re
import subprocess

import lib
from declare import vm_test
from page_spy import PageSpy


def cam(*options, **kwargs):
    return lib.run(["cam", "-c1", *options], **kwargs)


@vm_test()
def camera_is_listed():
    """cam -l lists the camera under its stable id."""
    lib.expect(lib.run(["cam", "-l"]), r"1: .*\(platform/cmacam-sensor\.0 cmacam-sensor\)")


@vm_test(settings={"fps": "8"})
def pages_are_the_ones_written():
    """Unmodified cam maps exactly the pages that the engine wrote: each frame is checked from outside."""
    os.makedirs("/tmp/cam", exist_ok=True)
    child = subprocess.Popen(["cam", "-c1", "--stream", "width=640,height=480,pixelformat=NV12", "--capture=20",
                              "--file=/tmp/cam/frame-#.bin"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True)
    spy = PageSpy(child.pid)
    out, _ = child.communicate(timeout=100 * lib.SLOWER)
    spy.stop()
    print(out)
    assert child.returncode == 0
    delivered = {int(seq) for seq in re.findall(r"seq: 0*(\d+)", out)}
    written, _ = lib.Board.session()
    assert len(delivered) == 20
    seen = spy.check({seq: written[seq] for seq in delivered})
    assert seen >= 10, f"only {seen} marks were seen in place"


@vm_test(settings={"digest": "sha256"})
def every_byte_is_the_board_s():
    """cam --file: frames of NV12, YUYV, RGB888 and SRGGB10 at 640x480 equal the board's own output."""
    compare_files("NV12", "YUYV", "RGB888", "SRGGB10")


@vm_test(settings={"digest": "sha256"}, limit=180, long=True)
def every_byte_of_the_other_formats_is_the_board_s():
    """cam --file: frames of each other format at 640x480 equal the board's own output."""
    compare_files("R8", "R10", "SRGGB8", "YUV420", "BGR888", "XRGB8888", "XBGR8888")


def compare_files(*formats):
    for pixels in formats:
        for old in glob.glob("/tmp/pixels-*.bin"):
            os.unlink(old)
        out = cam("--stream", f"width=640,height=480,pixelformat={pixels}", "--capture=5",
                  "--file=/tmp/pixels-#.bin")
        delivered = [int(seq) for seq in re.findall(r"seq: 0*(\d+)", out)]
        files = sorted(glob.glob("/tmp/pixels-*.bin"))
        written, _ = lib.Board.session()
        assert len(files) == len(delivered) == 5, (files, delivered)
        assert [lib.sha256_file(f) for f in files] == [written[s]["sha256"] for s in delivered], pixels


@vm_test()
def metadata_is_there():
    """SensorTimestamp, FrameDuration, ExposureTime and AnalogueGain come with each request."""
    out = cam("--capture=5", "--metadata")
    for name in ("SensorTimestamp", "FrameDuration", "ExposureTime", "AnalogueGain"):
        assert len(re.findall(rf"{name} = ", out)) == 5, f"{name}: {out}"


@vm_test()
def libcamerasrc_streams_unmodified():
    """GStreamer's libcamerasrc delivers 30 frames on the handler."""
    out = lib.run(["gst-launch-1.0", "-v", "libcamerasrc", "!", "video/x-raw,format=NV12,width=640,height=480", "!",
                   "identity", "eos-after=31", "!", "fakesink", "silent=false"])
    assert len(re.findall(r"chain\s+\*{7}", out)) == 30, out


@vm_test(limit=200)
def metadata_is_that_of_the_very_frame():
    """200 frames under random exposure, gain and pattern: the metadata equals the mark in each frame."""
    lib.expect(lib.run(["/build/libcam-pipeline/cmacam-run", "/build/tests/libcam-pipeline/metadata_check",
                        "--frames", "200"], limit=190), r"frames=200 mismatches=0 lost=0")
