# SPDX-License-Identifier: MIT
"""Compliance tests of other projects: v4l2-compliance on every node, and lc-compliance."""

import re

import lib
from declare import vm_test

# A sixth of the frames that v4l2-compliance asks for by default.
FEWER = "--streaming=10"
# Two of its checks take a frame that is ready at once for an error. Not dropped: an emulated
# machine may be late by a frame, which it would see as a gap. So slowly: where it is late by all
# buffers, the board waits for one, and fills it within milliseconds.
PACED = {"fps": "20"}
# What it says then: of a buffer, and of a read() that finds a frame where the one before found none. Nothing is wrong with
# such a frame, but nothing is proven either: it is asked again.
LATE = r"QBUF returned the buffer as DONE|ret2 != ret \|\| err2 != err"
ATTEMPTS = 3


def v4l2_compliance(*options, limit=280):
    for attempt in range(1, ATTEMPTS + 1):
        out = lib.run(["v4l2-compliance", *options], status=None, limit=limit)
        complaints = re.findall(r"(?:fail|warn): .*", out)
        if not complaints or attempt == ATTEMPTS or not all(re.search(LATE, text) for text in complaints):
            break
        print(f"the machine was late by all buffers, attempt {attempt} of {ATTEMPTS}: {complaints}", flush=True)
    counts = re.findall(r"Total for .*: (\d+), Succeeded: (\d+), Failed: (\d+), Warnings: (\d+)", out)
    assert counts, "no total: v4l2-compliance did not finish"
    for total, succeeded, failed, warnings in counts:
        assert (failed, warnings) == ("0", "0") and total == succeeded and int(total) > 0, \
            "\n".join(line for line in out.splitlines() if re.search(r"fail|warn|Total", line, re.I))


@vm_test(settings=PACED, limit=300)
def video_node():
    """v4l2-compliance -s on the video node, 10 frames: 0 failed, 0 warnings."""
    v4l2_compliance("-d", lib.video(), FEWER)


@vm_test(settings=PACED, limit=300, long=True)
def video_node_for_longer():
    """v4l2-compliance -s on the video node, 60 frames: 0 failed, 0 warnings."""
    v4l2_compliance("-d", lib.video(), "-s")


# Six thousand streams. Sequence numbers are not looked at here, so a late machine may lose frames: then none is ready
# at once.
@vm_test(settings={"starved": "drop", "fps": "100"}, limit=2400, long=True)
def video_node_in_all_formats():
    """v4l2-compliance -f 3 on the video node: each format at each size and rate that it lists, 3 frames each."""
    v4l2_compliance("-d", lib.video(), "-f", "3", limit=2300)


@vm_test(settings=PACED, limit=300)
def lores_node():
    """v4l2-compliance -s on the lores node, not linked: 0 failed, 0 warnings."""
    lib.run(["v4l2-ctl", "-d", lib.node("cmacam-lores"), "-c", "linked=0"])
    v4l2_compliance("-d", lib.node("cmacam-lores"), FEWER)


@vm_test(settings=PACED, limit=300, long=True)
def lores_node_for_longer():
    """v4l2-compliance -s on the lores node, not linked, 60 frames: 0 failed, 0 warnings."""
    lib.run(["v4l2-ctl", "-d", lib.node("cmacam-lores"), "-c", "linked=0"])
    v4l2_compliance("-d", lib.node("cmacam-lores"), "-s")


@vm_test(settings=PACED, limit=300)
def statistics_node():
    """v4l2-compliance -s on the statistics node: 0 failed, 0 warnings."""
    v4l2_compliance("-d", lib.node("cmacam-stats"), FEWER)


@vm_test(settings=PACED, limit=300, long=True)
def statistics_node_for_longer():
    """v4l2-compliance -s on the statistics node, 60 frames: 0 failed, 0 warnings."""
    v4l2_compliance("-d", lib.node("cmacam-stats"), "-s")


@vm_test(settings=PACED, limit=300)
def metadata_node():
    """v4l2-compliance on the metadata node, whose buffers and read() exclude each other in one file: 0 failed, 0 warnings."""
    v4l2_compliance("-d", lib.metadata())


@vm_test(settings=PACED)
def sensor_subdevice():
    """v4l2-compliance on the sensor subdevice: 0 failed, 0 warnings."""
    v4l2_compliance("-u", lib.sensor())


@vm_test(settings=PACED)
def media_device():
    """v4l2-compliance -m on the media device and all its nodes, with pads: 0 failed, 0 warnings."""
    v4l2_compliance("-m", lib.media())


def lc_compliance(single, multi, *options):
    """Run lc-compliance. No case fails, and this number of cases with one stream and with two streams runs."""
    out = lib.run(["lc-compliance", "-c", "platform/cmacam-sensor.0 cmacam-sensor", *options], status=None, limit=580)
    failed = re.findall(r"^\[  FAILED  \] .*", out, re.M)
    assert not failed, failed
    for kind, count in (("SingleStream", single), ("MultiStream", multi)):
        passed = re.findall(rf"^\[       OK \] {kind}", out, re.M)
        assert len(passed) == count, f"{kind}: {len(passed)} passed"


# Per set of roles: Capture and CaptureStartStop with the counts of requests that are not smaller than the number of
# buffers (4 Raw, 3 StillCapture, 6 VideoRecording, 4 Viewfinder; the larger of two), UnbalancedStop with all six.

@vm_test(limit=300)
def libcamera():
    """lc-compliance, unpaced, without the cases of 89 requests: no case fails, and every case runs, also with two streams."""
    lc_compliance(36, 30, "-f", "-*__89")


@vm_test(limit=600, long=True)
def libcamera_with_all_counts():
    """lc-compliance, unpaced: no case fails, and every case that can run runs, also with two streams."""
    lc_compliance(48, 42)
