# SPDX-License-Identifier: MIT
"""The board goes away while everything is in use, and comes back."""

import os
import signal
import subprocess

import lib
from declare import vm_test


def remove():
    path = os.path.realpath(lib.pci_device())
    with open(path + "/remove", "w") as f:
        f.write("1")


def rescan():
    with open("/sys/bus/pci/rescan", "w") as f:
        f.write("1")
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])
    lib.wait_until(lambda: os.path.exists(lib.video()), "the video node is back")


@vm_test(limit=300)
def twenty_removals_while_streaming_and_mapped():
    """20 removals under a streaming, mapped consumer: it gets one clean error, the next plug works."""
    for round_ in range(20):
        before = len(lib.Board.log())
        child = subprocess.Popen([f"{lib.PROBES}/v4l2_probe", "--device", lib.video(), "--forever", "--io",
                                  ("mmap", "dmabuf")[round_ % 2]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True)
        lib.wait_until(lambda: len(lib.Board.log()) > before + 3, "streaming", 30)
        remove()
        out, _ = child.communicate(timeout=30 * lib.SLOWER)
        assert child.returncode == 1, f"round {round_}: status {child.returncode}"
        assert out.count("v4l2_probe: ") == 1, out[-2000:]
        rescan()
    frames, _ = lib.probe("--frames", 5)
    assert len(frames) == 5


@vm_test(limit=200)
def removal_under_gstreamer():
    """cmacamsrc: one RESOURCE error, a clean stop, and the next pipeline plays."""
    before = len(lib.Board.log())
    child = subprocess.Popen(["gst-launch-1.0", "cmacamsrc", "!", "fakesink"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
    remove()
    out, _ = child.communicate(timeout=60 * lib.SLOWER)
    assert out.count("ERROR: from element") == 1, out
    rescan()
    lib.run(["gst-launch-1.0", "cmacamsrc", "num-buffers=5", "!", "fakesink"])


@vm_test(limit=200)
def gstreamer_waits_for_the_camera():
    """cmacamsrc on-disconnect=wait: a warning, then frames again after the next plug, numbered anew."""
    before = len(lib.Board.log())
    child = subprocess.Popen(["gst-launch-1.0", "-m", "cmacamsrc", "on-disconnect=wait", "!", "fakesink"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(3):
            lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming", 60)
            remove()
            before = len(lib.Board.log())
            rescan()
        lib.wait_until(lambda: len(lib.Board.log()) > before + 10, "streaming again", 60)
        assert child.poll() is None
    finally:
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60 * lib.SLOWER)
    # libcamera's log has errors of its own, for calls on a node that is gone.
    assert "ERROR: from element" not in out, out
    assert out.count("cmacam-disconnected") == out.count("cmacam-connected") == 3, out


@vm_test(limit=200)
def device_monitor_follows():
    """gst-device-monitor-1.0 --follow: the camera goes and comes."""
    with open("/tmp/monitor.log", "w") as log:
        child = subprocess.Popen(["stdbuf", "-oL", "gst-device-monitor-1.0", "--follow"], stdout=log,
                                 stderr=subprocess.STDOUT)
    try:
        def said(what, count):
            with open("/tmp/monitor.log") as f:
                return f.read().count(what) == count
        lib.wait_until(lambda: said("Device found:", 1), "the camera is listed", 60)
        remove()
        lib.wait_until(lambda: said("Device removed:", 1), "the camera is gone", 60)
        rescan()
        lib.wait_until(lambda: said("Device found:", 2), "the camera is back", 60)
    finally:
        child.terminate()
        child.wait()
