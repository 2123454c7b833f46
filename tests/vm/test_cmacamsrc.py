# SPDX-License-Identifier: MIT
"""The GStreamer source: no copy, exact bytes, no gap, correct signals."""

import re

import lib
from declare import vm_test


def gst(*elements, status=0, limit=110):
    return lib.run(["gst-launch-1.0", *" ! ".join(elements).split()], status=status, limit=limit)


def without_a_gap(count):
    gst(f"cmacamsrc num-buffers={count}", "video/x-raw,format=NV12,width=1920,height=1080", "fakesink", limit=170)
    frames, lost = lib.Board.session()
    assert not lost, lost
    assert sorted(frames)[:count] == list(range(count))


@vm_test()
def fifty_frames_without_a_gap():
    """50 frames of 1080p NV12 in hold mode through cmacamsrc ! fakesink."""
    without_a_gap(50)


@vm_test(limit=180, long=True)
def three_hundred_frames_without_a_gap():
    """300 frames of 1080p NV12 in hold mode through cmacamsrc ! fakesink."""
    without_a_gap(300)


@vm_test(settings={"digest": "sha256"})
def every_byte_is_the_board_s():
    """cmacamsrc ! multifilesink: 5 frames of each format at 640x480 equal the board's own output."""
    for caps in ("video/x-raw,format=NV12", "video/x-raw,format=GRAY8", "video/x-bayer,format=rggb10le"):
        gst("cmacamsrc num-buffers=5", f"{caps},width=640,height=480", "multifilesink location=/tmp/gst-%d.bin")
        written, _ = lib.Board.session()
        assert [lib.sha256_file(f"/tmp/gst-{n}.bin") for n in range(5)] == \
            [written[n]["sha256"] for n in range(5)], caps


@vm_test()
def debug_lines():
    """GST_DEBUG=cmacamsrc:6 prints one line for each frame; LIBCAMERA_LOG_LEVELS=Cmacam:DEBUG prints each request."""
    out = lib.run("GST_DEBUG_NO_COLOR=1 GST_DEBUG=cmacamsrc:6 LIBCAMERA_LOG_LEVELS=Cmacam:DEBUG "
                  "gst-launch-1.0 cmacamsrc num-buffers=5 ! video/x-raw,format=NV12,width=640,height=480 ! fakesink")
    numbers = [int(number) for number in re.findall(r" LOG +cmacamsrc .*> frame (\d+) in the camera's buffer \d", out)]
    assert numbers == list(range(5)), numbers
    for text in ("a new configuration for video/x-raw", "the camera has started", "closing the camera"):
        lib.expect(out, rf" DEBUG +cmacamsrc .*{text}")
    completed = re.findall(r"DEBUG Cmacam .* Request (\d+) complete with frame (\d+)", out)
    assert [int(frame) for _, frame in completed][:5] == list(range(5)), completed
    queued = re.findall(r"DEBUG Cmacam .* Request (\d+) queued for main,", out)
    assert {request for request, _ in completed} <= set(queued), (completed, queued)
    for text in ("Configuring main for 640x480-NV12", "Starting main", "Stopping with"):
        lib.expect(out, f"DEBUG Cmacam .*{text}")


@vm_test()
def inspect_knows_it():
    """gst-inspect-1.0 prints the element: class, caps of both kinds, URI, libcamera's controls with their texts."""
    out = lib.run(["gst-inspect-1.0", "cmacamsrc"])
    for pattern in ("camera-name", "num-buffers", "GstPushSrc", "Source/Video/Hardware", r"URI handling.*\n.*source",
                    r"memory:DMABuf.*\n +format: DMA_DRM.*\n +drm-format: NV12", r"colour-gains +: Pair of gain values",
                    r"exposure-time +: .*\n.*readable, writable, controllable, changeable",
                    r"test-pattern-mode +: (.*\n)+? +\(1\): solid-color", "on-disconnect", "control-limits"):
        lib.expect(out, pattern)


@vm_test(limit=180)
def libcamerasrc_beside_it():
    """libcamerasrc and cmacamsrc share libcamera in one process: one of them gets "busy", and the process does not abort."""
    for pipeline in ("libcamerasrc ! fakesink cmacamsrc ! fakesink", "cmacamsrc ! fakesink libcamerasrc ! fakesink"):
        out = gst(pipeline, status=None, limit=60)
        assert "Aborted" not in out and not re.search(r"FATAL|Multiple CameraManager", out), out
        lib.expect(out, r"ERROR: from element")


@vm_test()
def a_control_changes_the_picture():
    """test-pattern-mode=solid-color on the command line: all frames are the same grey."""
    gst("cmacamsrc test-pattern-mode=solid-color num-buffers=3", "video/x-raw,format=GRAY8,width=320,height=240",
        "multifilesink location=/tmp/grey-%d.bin")
    for n in range(3):
        with open(f"/tmp/grey-{n}.bin", "rb") as f:
            # The board's mark is in the first row.
            assert len(set(f.read()[320:])) == 1, n


@vm_test()
def a_wrong_control_is_a_clear_error():
    """exposure-time=1 and an unknown control: each error gives the values that are possible."""
    out = gst("cmacamsrc exposure-time=1", "fakesink", status=None, limit=60)
    lib.expect(out, r"ERROR: .*exposure-time=1 is not possible: camera '.*' takes \d+ to \d+")
    out = gst("cmacamsrc af-mode=auto", "fakesink", status=None, limit=60)
    lib.expect(out, r"ERROR: .*has no control 'af-mode'")


@vm_test(limit=180)
def device_monitor():
    """gst-device-monitor-1.0 beside libcamera's provider: it lists the camera once, as cmacamsrc, and does not abort."""
    out = lib.run(["gst-device-monitor-1.0"], limit=150)
    assert out.count("Device found:") == 1, out
    lib.expect(out, r"name +: .*cmacam")
    lib.expect(out, r"gst-launch-1.0 cmacamsrc camera-name=.*cmacam-sensor")
    assert "Multiple CameraManager" not in out, out


@vm_test(settings={"starved": "drop", "fps": "30"})
def leaks_nothing():
    """GStreamer's leaks tracer finds nothing after 30 frames."""
    out = lib.run("GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 gst-launch-1.0 cmacamsrc num-buffers=30 ! fakesink",
                  status=0)
    assert not re.search(r"(?<!format string: )object-alive, type", out), out
