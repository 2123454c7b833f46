# SPDX-License-Identifier: MIT
"""cmacam.Camera and cmacamsrc in one interpreter: they share libcamera, and the streams of a camera."""

import re

import lib
from declare import vm_test
from test_boards import TWO

BEGIN = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp
import cmacam

Gst.init(None)


def element(words, width, height):
    pipeline = Gst.parse_launch(f"cmacamsrc {words} ! video/x-raw,format=GRAY8,width={width},height={height} ! "
                                "appsink name=sink sync=false max-buffers=1")
    assert pipeline.set_state(Gst.State.PLAYING) != Gst.StateChangeReturn.FAILURE, errors(pipeline)
    return pipeline, pipeline.get_by_name("sink")


def errors(pipeline):
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    return message.parse_error().gerror.message if message else None


def offset(sink):
    sample = sink.try_pull_sample(60 * Gst.SECOND)
    assert sample, "no frame of the element"
    return sample.get_buffer().offset


def both(camera, sink, frames):
    # Either may miss a frame while its buffers wait; the frames that both have are the same.
    ours, theirs = set(), set()
    while len(ours & theirs) < frames:
        with camera.next(60) as frame:
            ours.add(frame.sequence)
        theirs.add(offset(sink))
        assert len(ours) < 20 * frames, (ours, theirs)
    print("both", sorted(ours & theirs))
"""

SCRIPTS = {
    "camera-first": """
with cmacam.Camera(format="NV12", size=(640, 480), policy="block") as camera:
    for number, frame in zip(range(3), camera):
        assert frame.sequence == number
    del frame
    pipeline, sink = element("stream=lores", 320, 240)
    both(camera, sink, 5)
# The element goes on alone.
print("alone", offset(sink), offset(sink), offset(sink))
pipeline.set_state(Gst.State.NULL)
""",
    "element-first": """
pipeline, sink = element("stream=main", 640, 480)
print("before", offset(sink))
try:
    cmacam.Camera()
except OSError as error:
    print("refused", error)
pipeline.set_state(Gst.State.NULL)
pipeline, sink = element("stream=lores", 320, 240)
print("first", offset(sink))
with cmacam.Camera(format="NV12", size=(640, 480), policy="block") as camera:
    both(camera, sink, 5)
    pipeline.set_state(Gst.State.NULL)
    # The camera goes on alone.
    for _, frame in zip(range(3), camera):
        print("alone", frame.sequence)
""",
    "two-cameras": """
first, second = cmacam.Camera.list()
with cmacam.Camera(first, format="NV12", size=(640, 480), policy="block") as camera:
    pipeline, sink = element(f'camera-name="{second}"', 640, 480)
    numbers = []
    for _, frame in zip(range(5), camera):
        numbers.append((frame.sequence, offset(sink)))
        frame.release()
    print("numbers", numbers)
    pipeline.set_state(Gst.State.NULL)
""",
}


def interpreter(name):
    path = f"/tmp/{name}.py"
    with open(path, "w") as f:
        f.write(BEGIN + SCRIPTS[name])
    out = lib.run(["python3", path], limit=150)
    print(out)
    return out


@vm_test(limit=180)
def an_element_takes_lores_of_a_camera():
    """Python has main, cmacamsrc has lores: the same frames, renumbered. The element continues when Python ends."""
    out = interpreter("camera-first")
    alone = list(map(int, re.search(r"^alone (.*)", out, re.M)[1].split()))
    assert alone == sorted(set(alone)), alone


@vm_test(limit=180)
def a_camera_takes_main_of_an_element():
    """cmacamsrc has lores, then Python opens main. Before, an element on main makes Camera fail with a sentence."""
    out = interpreter("element-first")
    lib.expect(out, r"(?m)^refused .*is in use in this process: its stream main has a user$")
    assert len(re.findall(r"^alone ", out, re.M)) == 3


@vm_test(machine=TWO, limit=180)
def each_has_a_camera_of_its_own():
    """Python and cmacamsrc each have a camera: both count from 0, and neither loses a frame."""
    out = interpreter("two-cameras")
    lib.expect(out, r"(?m)^numbers \[\(0, 0\), \(1, 1\), \(2, 2\), \(3, 3\), \(4, 4\)\]$")
