# SPDX-License-Identifier: MIT
"""Starts of libcamera applications: the first frames are not lost, even if the machine is busy."""

import contextlib
import subprocess

import lib
from declare import vm_test

# The sensor's own pace, and it does not wait.
REAL = {"starved": "drop", "fps": "sensor"}
# Every consumer has at least this number of buffers, and need not give one back for these frames.
FRAMES = 4
FORMAT = "format=NV12,width=320,height=240"
CHECK = ("/build/libcam-pipeline/cmacam-run", "/build/tests/libcam-pipeline/session_check")
# By default, frames that nobody takes in time make room for newer ones.
PYTHON = f"""
import cmacam
with cmacam.Camera(format='NV12', size=(320, 240), policy='block') as camera:
    for number in range({FRAMES}):
        assert camera.next().sequence == number
"""
CONSUMERS = {
    "cam": ["cam", "-c1", "--stream", "width=320,height=240,pixelformat=NV12", f"--capture={FRAMES}"],
    "libcamerasrc": ["gst-launch-1.0", "-q", "libcamerasrc", "!", f"video/x-raw,{FORMAT}", "!", "identity",
                     f"eos-after={FRAMES}", "!", "fakesink"],
    "cmacamsrc": ["gst-launch-1.0", "-q", "cmacamsrc", f"num-buffers={FRAMES}", "!", f"video/x-raw,{FORMAT}", "!",
                  "fakesink"],
    "python": ["python3", "-c", PYTHON],
    "session_check": [*CHECK, "keep", "1"],
}


@contextlib.contextmanager
def busy():
    """Start more work than the machine has processors."""
    others = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def starts(names, rounds):
    for _ in range(rounds):
        for name in names:
            lib.run(CONSUMERS[name])
            written, lost = lib.Board.session()
            early = sorted(sequence for sequence in lost if sequence < FRAMES)
            assert not early and set(range(FRAMES)) <= set(written), f"{name}: lost {early}, written {sorted(written)}"


@vm_test(settings=REAL, limit=180)
def a_busy_start_loses_nothing():
    """cmacamsrc on a busy machine: the board has a buffer for each of the first four frames."""
    with busy():
        starts(["cmacamsrc"], 1)


@vm_test(settings=REAL, limit=1800, long=True)
def twenty_starts_of_each_lose_nothing():
    """20 idle and 20 busy starts of cam, libcamerasrc, cmacamsrc, Python and a libcamera program: no frame is lost."""
    starts(CONSUMERS, 20)
    with busy():
        starts(CONSUMERS, 20)


@vm_test(settings=REAL)
def one_request_is_enough():
    """An application with four buffers queues only one request at a time: it gets its frames, the first after a pause."""
    out = lib.run([*CHECK, "single", "3"])
    sequences = [int(lib.fields(line)["seq"]) for line in out.splitlines() if line.startswith("frame ")]
    assert sequences[0] == 0 and len(sequences) == 3 and sequences == sorted(set(sequences)), out
