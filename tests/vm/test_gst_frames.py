# SPDX-License-Identifier: MIT
"""Frames that a GStreamer application gets from cmacamsrc: pages, bytes, losses, lifetimes."""

import os
import re
import subprocess

import lib
import strides
import v4l2
from declare import vm_test
from test_errors import SMALL_CMA

PROGRAMS = "/build/tests/gst-plugin"
# By name: the caps; the fourcc of the same bytes.
FORMATS = {"NV12": ("video/x-raw,format=NV12", "NV12"), "GRAY8": ("video/x-raw,format=GRAY8", "GREY"),
           "BGR": ("video/x-raw,format=BGR", "BGR3"), "I420": ("video/x-raw,format=I420", "YU12"),
           "BGRx": ("video/x-raw,format=BGRx", "XR24"), "SRGGB10": ("video/x-bayer,format=rggb10le", "RG10")}


def gst_probe(source, *options, status=0, limit=110):
    """Run gst_probe on a pipeline. Returns its lines as dictionaries, grouped by their first word."""
    return parse(lib.run([f"{PROGRAMS}/gst_probe", *options, source], status=status, limit=limit))


def gst_probes(pipelines, *options):
    """Run gst_probe on several pipelines in one process, because starting a process takes long. Results as of gst_probe()."""
    first, *more = pipelines
    out = lib.run([f"{PROGRAMS}/gst_probe", *options, *(f"--then={text}" for text in more), first])
    parts = re.split(r"^pipeline$", out, flags=re.M)[1:]
    assert len(parts) == len(pipelines), out
    return [parse(part) for part in parts]


def parse(out):
    lines = {}
    for line in out.splitlines():
        kind, _, rest = line.partition(" ")
        lines.setdefault(kind, []).append(lib.fields(rest))
    return lines


def caps(pixels, width, height):
    return f"{FORMATS[pixels][0]},width={width},height={height}"


def source(frames, board=0):
    return f"cmacamsrc camera-name=\"{lib.camera(board)}\" num-buffers={frames}"


@vm_test()
def pages_are_the_ones_written():
    """cmacamsrc: the application's mapping has the pages of the engine, and the nonce is the board's."""
    got = gst_probe("cmacamsrc num-buffers=12")
    written, _ = lib.Board.session()
    assert len(got["frame"]) == 12
    for frame in got["frame"]:
        board = written[int(frame["seq"])]
        assert frame["dmabuf"] == "1" and frame["memories"] == "1", frame
        assert lib.number(frame["phys"]) == lib.number(board["addr"]), (frame, board)
        assert frame["nonce"] == board["nonce"] and frame["mark_seq"] == frame["seq"], (frame, board)
    assert len({frame["phys"] for frame in got["frame"]}) > 1, "more than one buffer goes round"


@vm_test(machine=strides.MACHINE)
def a_copy_is_told_from_the_pages_written():
    """An element without GstVideoMeta gets copies at an odd stride, with one warning: the check of pages can fail."""
    results = gst_probes([f"{source(4, board)} ! {caps('NV12', 322, 242)}" for board in strides.BOARDS], "--no-video-meta")
    for board, got in zip(strides.BOARDS, results):
        written, _ = lib.Board.session(number=board)
        assert len(got["warning"]) == 1 and len(got["frame"]) == 4
        for frame in got["frame"]:
            entry = written[int(frame["seq"])]
            assert frame["dmabuf"] == "0" and frame["stride0"] == "324", frame
            assert frame["nonce"] == entry["nonce"]
            assert lib.number(frame.get("phys", "0")) != lib.number(entry["addr"])


# Without a mark and with a test pattern, which no exposure changes, all frames of all boards are the same pixels.
@vm_test(machine=strides.MACHINE, settings={"mark": "off", "digest": "sha256"})
def without_video_meta_the_pixels_are_right():
    """An element without GstVideoMeta gets the camera's pages if the stride is GStreamer's, else a copy of the same pixels."""
    for pixels, width, copied in (("NV12", 300, False), ("BGR", 322, True)):
        results = gst_probes([f"{source(3, board)} test-pattern-mode=color-bars ! {caps(pixels, width, 242)}"
                              for board in strides.BOARDS], "--digest", "--no-video-meta")
        # Memory of packed lines is pixels and nothing else, so the first board's digest is that of the pixels.
        packed = lib.Board.session()[0][0]["sha256"]
        for board, got in zip(strides.BOARDS, results):
            assert {frame["pixels"] for frame in got["frame"]} == {packed}, (pixels, width, board)
            assert {frame["dmabuf"] for frame in got["frame"]} == {"0" if copied or board else "1"}, (width, board)
            assert len(got.get("warning", [])) == (1 if copied or board else 0), (width, board)


def check_bytes(frames, wanted, *options):
    """Frames of each (caps, board, stride or None) are dma-bufs, and every byte is the board's."""
    results = gst_probes([f"{source(frames, board)} ! {text}" for text, board, _ in wanted], "--digest", *options)
    written = {board: lib.Board.by_nonce(number=board) for board in {board for _, board, _ in wanted}}
    for (text, board, stride), got in zip(wanted, results):
        assert len(got["frame"]) == frames and "warning" not in got, (text, board, got)
        for number, frame in enumerate(got["frame"]):
            entry = written[board][frame["nonce"]]
            assert frame["dmabuf"] == "1" and frame["seq"] == entry["seq"] == str(number), (text, board, frame, entry)
            assert stride is None or int(frame["stride0"]) == stride, (text, board, frame)
            assert frame["sha256"] == entry["sha256"], (text, board, frame, entry)
        assert len({frame["sha256"] for frame in got["frame"]}) == frames, "the frames differ from each other"


@vm_test(machine=strides.MACHINE, settings={"digest": "sha256"})
def every_byte_with_padding_too():
    """Each format with packed and padded lines, also with other strides than GStreamer's: no copy, all bytes are right."""
    cases = [(pixels, 640, 480, 0) for pixels in FORMATS]
    cases += [(pixels, 322, 242, board) for pixels in FORMATS for board in strides.BOARDS]
    check_bytes(3, [(caps(pixels, width, height), board, strides.stride(FORMATS[pixels][1], width, board))
                    for pixels, width, height, board in cases])


@vm_test(machine=strides.MACHINE, settings={"digest": "sha256"})
def dma_drm_carries_the_same_frames():
    """memory:DMABuf caps: dma-bufs with the same bytes, DMA_DRM caps and the camera's colours, never copied."""
    drm = "video/x-raw(memory:DMABuf),format=DMA_DRM,drm-format=NV12"
    check_bytes(3, [(f"{drm},width={width},height={height}", board, None)
                    for width, height, board in ((640, 480, 0), (322, 242, 0), (322, 242, 1))], "--no-video-meta")


@vm_test()
def plain_caps_unless_asked():
    """An element that accepts all caps gets plain video/x-raw with colorimetry and frame rate, not DMA_DRM."""
    out = lib.run([f"{PROGRAMS}/gst_probe", "cmacamsrc num-buffers=1"])
    lib.expect(out, r"caps video/x-raw, .*format=\(string\)NV12")
    lib.expect(out, r"caps .*colorimetry=\(string\)bt709")
    lib.expect(out, r"caps .*framerate=\(fraction\)30/1")


@vm_test(settings={"digest": "sha256"})
def uhd():
    """NV12 and SRGGB10 at 3840x2160, 2 frames each."""
    check_bytes(2, [(caps(pixels, 3840, 2160), 0, None) for pixels in ("NV12", "SRGGB10")])


@vm_test(settings={"starved": "drop", "fps": "60"})
def withheld_frames_are_signalled_exactly():
    """60 frames without a buffer: QoS message, DISCONT and offsets report the frames that the board lost."""
    release = "/tmp/release"
    child = subprocess.Popen([f"{PROGRAMS}/gst_probe", "--withhold-after", "3", "--release-file", release,
                              "cmacamsrc num-buffers=12"], stdout=subprocess.PIPE, text=True)
    lib.wait_until(lambda: len(lib.Board.session()[1]) >= 66, "60 lost frames", 60)
    with open(release, "w"):
        pass
    out, _ = child.communicate(timeout=60 * lib.SLOWER)
    os.unlink(release)
    print(out)
    assert child.returncode == 0

    got = parse(out)
    sequences = [int(frame["seq"]) for frame in got["frame"]]
    missing = set(range(sequences[-1] + 1)) - set(sequences)
    _, lost = lib.Board.session()
    assert len(missing) >= 60, missing
    assert missing == {n for n in lost if n < sequences[-1]}, (missing, lost)
    assert int(got["qos"][-1]["dropped"]) == len(missing), got["qos"]
    for before, frame in zip(sequences, got["frame"][1:]):
        assert ("discont" in frame["flags"]) == (int(frame["seq"]) != before + 1), frame


@vm_test()
def a_frame_in_error_is_corrupted():
    """A frame that the board could not write has the flag CORRUPTED. The frames before and after it do not have the flag."""
    lib.Board().command("fault bus-error 1")
    got = gst_probe("cmacamsrc num-buffers=4")
    assert ["corrupted" in frame["flags"] for frame in got["frame"]] == [True, False, False, False], got


@vm_test()
def latency_and_timestamps():
    """Latency is from one frame to all buffers; PTS increase, and are within the running time."""
    got = gst_probe("cmacamsrc num-buffers=20 ! video/x-raw,framerate=30/1")
    latency = got["latency"][0]
    assert latency["live"] == "1" and latency["min"] == "33333000", latency
    assert int(latency["max"]) % 33333000 == 0 and int(latency["max"]) > 33333000, latency
    times = [int(frame["pts"]) for frame in got["frame"]]
    assert times == sorted(set(times)) and times[-1] < 100e9, times


@vm_test()
def a_peer_that_keeps_frames_gets_more():
    """The buffers that the next element requests are added to the camera's own buffers."""
    own = int(gst_probe("cmacamsrc num-buffers=1")["latency"][0]["max"])
    more = int(gst_probe("cmacamsrc num-buffers=1", "--min-buffers", "6")["latency"][0]["max"])
    assert more == own + 6 * 33333000, (own, more)


@vm_test(settings={"digest": "sha256"})
def a_peer_s_pool_is_captured_to():
    """The engine writes into the pages of the pool that the next element offers, with each buffer several times."""
    lib.heap()
    got = gst_probe(f"cmacamsrc num-buffers=20 ! {caps('NV12', 640, 480)}", "--heap", lib.HEAP, "--digest")
    written, _ = lib.Board.session()
    assert len(got["frame"]) == 20 and "info" not in got, got
    for frame in got["frame"]:
        board = written[int(frame["seq"])]
        assert frame["peer"] == "1" and frame["sha256"] == board["sha256"], (frame, board)
        assert lib.number(frame["phys"]) == lib.number(board["addr"]), (frame, board)


@vm_test(machine=strides.MACHINE, provokes="not contiguous", settings={"digest": "sha256"})
def a_pool_that_does_not_fit_is_named():
    """A pool of scattered memory or with another stride: one message gives the reason, and the camera's own memory is used."""
    lib.heap()
    for heap, width, height, board, why in (
            (lib.SYSTEM_HEAP, 640, 480, 0, f"dma-buf of system is not contiguous: {v4l2.page_align(460800)} bytes"),
            (lib.HEAP, 322, 242, 0, "rows have 324 bytes, the camera's have 322"),
            (lib.HEAP, 322, 242, 1, "rows have 324 bytes, the camera's have 384")):
        out = lib.run([f"{PROGRAMS}/gst_probe", "--heap", heap, "--digest",
                       f"{source(8, board)} ! {caps('NV12', width, height)}"])
        got = parse(out)
        written, _ = lib.Board.session(number=board)
        lib.expect(out, f"info domain=gst-resource-error-quark .*{why}")
        assert len(got["info"]) == 1, out
        assert len(got["frame"]) == 8 and "warning" not in got
        for frame in got["frame"]:
            assert frame["peer"] == "0" and frame["sha256"] == written[int(frame["seq"])]["sha256"], frame


@vm_test(machine=SMALL_CMA, provokes="cma=", needs=["cma"])
def a_wish_for_buffers_is_not_an_error():
    """If memory is too small for the buffers that the next element requests, the camera uses its own number."""
    lib.vb2_cma(backend="cma")
    got = gst_probe("cmacamsrc num-buffers=20", "--min-buffers", "28")
    assert len(got["frame"]) == 20 and "error" not in got
    assert got["latency"] == gst_probe("cmacamsrc num-buffers=1")["latency"]


@vm_test()
def memory_outlives_the_pipeline():
    """A frame that outlives its pipeline, element and camera keeps its pages and its bytes."""
    got = gst_probe("cmacamsrc num-buffers=5", "--outlive", "--digest")
    last, outlived = got["frame"][-1], got["outlived"][0]
    assert {key: last[key] for key in ("seq", "sha256", "nonce", "phys")} == \
        {key: outlived[key] for key in ("seq", "sha256", "nonce", "phys")}, (last, outlived)


def on_a_camera(cases, least, limit, **settings):
    lib.gtest(f"{PROGRAMS}/gst-camera-test", cases, least, limit,
              **{f"CMACAM_TEST_{key.upper()}": str(value) for key, value in settings.items()})


@vm_test(settings={"fps": "60"}, limit=180)
def element_on_a_camera():
    """States, pauses, held frames, controls, new caps while playing, a busy camera, other clocks."""
    on_a_camera("CameraTest.*", 22, 170)


@vm_test(limit=400, long=True)
def element_on_a_hurried_camera():
    """The tests of element_on_a_camera, with frames as fast as the board can, and the tests of two elements."""
    on_a_camera("CameraTest.*:LoresTest.*", 33, 390)


@vm_test(settings={"fps": "60"}, limit=180)
def lores_beside_main():
    """Two elements, main and lores: each starts, stops, pauses, ends or keeps frames without an effect on the other."""
    on_a_camera("LoresTest.*", 11, 170)


@vm_test(settings={"fps": "5", "starved": "drop"})
def a_snapshot_beside_a_preview():
    """Four snapshots of 1280x720: each shows the frame of the preview with its number and time, and no frame is lost."""
    on_a_camera("CameraSnapshotTest.*", 1, 110)


@vm_test(settings={"fps": "60"})
def a_pool_that_changes_or_loses_its_memory():
    """Another pool for the same caps is used at once; if a pool has lost all its memory, frames go on in the camera's own."""
    lib.heap()
    on_a_camera("CameraPoolTest.*", 2, 110, heap=lib.HEAP)


@vm_test(limit=1200, long=True)
def five_hundred_state_cycles():
    """500 cycles of NULL, PLAYING, one frame, NULL, PAUSED, and NULL or READY."""
    on_a_camera("*CyclesThroughItsStates", 1, 1190, cycles=500)


@vm_test(limit=600, long=True)
def a_hundred_renegotiations():
    """100 changes of size while playing: the first frame keeps its bytes."""
    on_a_camera("*NewCapsWhilePlaying", 1, 590, renegotiations=100)
