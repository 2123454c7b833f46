# SPDX-License-Identifier: MIT
"""The GStreamer source: zero copy, exact bytes, no gap, honest signals."""

import re

import lib
from declare import vm_test


def gst(*elements, status=0, limit=110):
    return lib.run(["gst-launch-1.0", *" ! ".join(elements).split()], status=status, limit=limit)


@vm_test(limit=180)
def three_hundred_frames_without_a_gap():
    """300 frames of 1080p NV12 in hold mode through cmacamsrc ! fakesink."""
    gst("cmacamsrc num-buffers=300", "video/x-raw,format=NV12,width=1920,height=1080", "fakesink", limit=170)
    frames, lost = lib.Board.session()
    assert not lost, lost
    assert sorted(frames)[:300] == list(range(300))


@vm_test()
def every_byte_is_the_board_s():
    """cmacamsrc ! multifilesink: each format at 640x480, 5 frames, equals the board's own output."""
    for caps in ("video/x-raw,format=NV12", "video/x-raw,format=GRAY8", "video/x-bayer,format=rggb10le"):
        gst("cmacamsrc num-buffers=5", f"{caps},width=640,height=480", "multifilesink location=/tmp/gst-%d.bin")
        written, _ = lib.Board.session()
        assert [lib.sha256_file(f"/tmp/gst-{n}.bin") for n in range(5)] == \
            [written[n]["sha256"] for n in range(5)], caps


@vm_test()
def inspect_knows_it():
    """gst-inspect-1.0 prints the element with its properties."""
    out = lib.run(["gst-inspect-1.0", "cmacamsrc"])
    for pattern in ("camera-name", "num-buffers", "GstPushSrc"):
        lib.expect(out, pattern)


@vm_test(limit=180)
def second_manager_is_refused():
    """libcamerasrc and cmacamsrc in one process: an error, never an abort."""
    out = gst("libcamerasrc", "fakesink   cmacamsrc", "fakesink", status=None, limit=60)
    assert "Aborted" not in out and not re.search(r"FATAL", out), out
    lib.expect(out, r"ERROR: from element")


@vm_test(settings={"starved": "drop", "fps": "30"})
def leaks_nothing():
    """GStreamer's leaks tracer finds nothing after 30 frames."""
    out = lib.run("GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 gst-launch-1.0 cmacamsrc num-buffers=30 ! fakesink",
                  status=0)
    assert not re.search(r"(?<!format string: )object-alive, type", out), out
