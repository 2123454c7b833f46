# SPDX-License-Identifier: MIT
"""Common camera pipelines work with cmacamsrc."""

import glob
import os
import re
import subprocess

import lib
from declare import vm_test

SIZE = "width=320,height=240"
NV12 = f"video/x-raw,format=NV12,{SIZE}"


def launch(pipeline, limit=110, status=0):
    """Run gst-launch-1.0 to its end. With -e, it would wait for an EOS that num-buffers has already sent."""
    out = lib.run(["gst-launch-1.0", "-q", *pipeline.split()], limit=limit, status=status)
    assert status or "ERROR" not in out, out
    return out


def frames_of(pipeline):
    """The number of buffers that arrive at the end of a pipeline that reads a file."""
    out = lib.run(["gst-launch-1.0", "-v", *f"{pipeline} ! fakesink silent=false".split()])
    return len(re.findall(r"last-message = chain ", out))


@vm_test(long=True)
def x264_to_mp4():
    """cmacamsrc ! x264enc ! mp4mux: all 12 frames decode again."""
    launch(f"cmacamsrc num-buffers=12 ! {NV12} ! x264enc tune=zerolatency speed-preset=ultrafast ! h264parse ! "
           "mp4mux ! filesink location=/tmp/x264.mp4")
    assert frames_of("filesrc location=/tmp/x264.mp4 ! qtdemux ! h264parse ! avdec_h264") == 12


@vm_test()
def jpegs():
    """cmacamsrc ! jpegenc ! multifilesink: one picture of the right size per frame."""
    launch(f"cmacamsrc num-buffers=5 ! {NV12} ! jpegenc ! multifilesink location=/tmp/%d.jpg")
    for n in range(5):
        with open(f"/tmp/{n}.jpg", "rb") as f:
            picture = f.read()
        assert picture[:2] == b"\xff\xd8" and picture[-2:] == b"\xff\xd9", n
        size = re.search(rb"\xff\xc0..\x08(..)(..)", picture, re.S)
        assert size and [int.from_bytes(part, "big") for part in size.groups()] == [240, 320], n


@vm_test(settings={"digest": "sha256"})
def record_and_look():
    """A tee to a recording and to a vision branch, which gets the camera's dma-bufs: its bytes are the board's."""
    launch(f"cmacamsrc num-buffers=10 ! {NV12} ! tee name=t ! queue ! x264enc tune=zerolatency "
           "speed-preset=ultrafast ! matroskamux ! filesink location=/tmp/record.mkv "
           "t. ! queue ! multifilesink location=/tmp/look-%d.bin")
    written, lost = lib.Board.session()
    assert not lost, lost
    for n in range(10):
        assert lib.sha256_file(f"/tmp/look-{n}.bin") == written[n]["sha256"], n
    assert frames_of("filesrc location=/tmp/record.mkv ! matroskademux ! h264parse ! avdec_h264") == 10


@vm_test(settings={"digest": "sha256", "fps": "10"})
def record_main_and_look_at_lores():
    """Main is encoded; lores is read and ends first. Every byte of lores is the board's, and main has the same moments."""
    launch("cmacamsrc num-buffers=20 ! video/x-raw,format=NV12,width=640,height=480 ! queue ! "
           "x264enc tune=zerolatency speed-preset=ultrafast ! matroskamux ! filesink location=/tmp/main.mkv "
           f"cmacamsrc stream=lores num-buffers=10 ! {NV12} ! multifilesink location=/tmp/lores-%d.bin")

    # Whose frame came when is the board's to tell: no frame number is in a file.
    of_main, of_lores = (lib.Board.session(channel)[0] for channel in (0, 1))
    numbers = {frame["sha256"]: n for n, frame in of_lores.items()}
    written = [numbers[lib.sha256_file(f"/tmp/lores-{n}.bin")] for n in range(10)]
    assert written == sorted(set(written)), written
    assert all(of_lores[n]["picture"] == of_main[n]["picture"] for n in written)
    assert frames_of("filesrc location=/tmp/main.mkv ! matroskademux ! h264parse ! avdec_h264") == 20


@vm_test()
def picture_in_picture():
    """compositor with a test picture beside the camera: all frames arrive, and none stays too late."""
    # The sink tells the compositor of its lateness. Without that, a compositor that is slower than the camera draws every
    # picture of the time that the next frame is late, so that the frame after it is later still.
    launch(f"compositor name=c sink_1::xpos=320 ! fakesink sync=true qos=true cmacamsrc num-buffers=20 ! {NV12} ! c.sink_0 "
           f"videotestsrc num-buffers=20 is-live=true ! video/x-raw,{SIZE} ! c.sink_1")


@vm_test()
def rtp_over_loopback():
    """RTP/H.264 over UDP on the loopback: the receiver decodes the frames that the camera sent."""
    receiver = subprocess.Popen(
        ["gst-launch-1.0", "-q", "-v", *("udpsrc port=5004 address=127.0.0.1 caps=application/x-rtp,media=video,"
         "clock-rate=90000,encoding-name=H264,payload=96 ! rtpjitterbuffer latency=50 ! rtph264depay ! h264parse ! "
         "avdec_h264 ! identity eos-after=10 ! fakesink sync=false").split()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    sender = subprocess.Popen(
        ["gst-launch-1.0", "-q", *(f"cmacamsrc ! {NV12},framerate=15/1 ! x264enc tune=zerolatency "
         "speed-preset=ultrafast key-int-max=5 ! rtph264pay config-interval=-1 ! "
         "udpsink host=127.0.0.1 port=5004 sync=false").split()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, _ = receiver.communicate(timeout=90 * lib.SLOWER)
        assert receiver.returncode == 0, out
        assert sender.poll() is None, sender.communicate()[0]
    finally:
        for child in (receiver, sender):
            child.kill()
            child.wait()


@vm_test()
def split_recording():
    """splitmuxsink: several files, which together have all frames."""
    launch(f"cmacamsrc num-buffers=15 ! {NV12},framerate=30/1 ! x264enc tune=zerolatency speed-preset=ultrafast "
           "key-int-max=5 ! h264parse ! splitmuxsink location=/tmp/part-%d.mp4 max-size-time=200000000 "
           "send-keyframe-requests=false")
    parts = sorted(glob.glob("/tmp/part-*.mp4"))
    assert len(parts) > 1, parts
    assert frames_of("splitmuxsrc location=/tmp/part-*.mp4 ! h264parse ! avdec_h264") == 15


@vm_test()
def hls():
    """hlssink2: a playlist, and all its segments exist."""
    os.makedirs("/tmp/hls", exist_ok=True)
    launch(f"cmacamsrc num-buffers=60 ! {NV12},framerate=30/1 ! x264enc tune=zerolatency speed-preset=ultrafast "
           "key-int-max=15 ! h264parse ! hlssink2 location=/tmp/hls/%d.ts playlist-location=/tmp/hls/list.m3u8 "
           "target-duration=1")
    with open("/tmp/hls/list.m3u8") as f:
        segments = [line.strip() for line in f if not line.startswith("#")]
    assert segments and all(os.path.getsize(f"/tmp/hls/{os.path.basename(name)}") for name in segments), segments


PYTHON = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstApp, GstVideo
import numpy

Gst.init(None)
pipeline = Gst.parse_launch(
    "cmacamsrc num-buffers=5 ! video/x-raw,format=GRAY8,width=322,height=242 ! appsink name=sink sync=false")
sink = pipeline.get_by_name("sink")
pipeline.set_state(Gst.State.PLAYING)
while True:
    sample = sink.pull_sample()
    if sample is None:
        break
    buffer = sample.get_buffer()
    stride = GstVideo.buffer_get_video_meta(buffer).stride[0]
    good, mapped = buffer.map(Gst.MapFlags.READ)
    assert good
    pixels = numpy.frombuffer(mapped.data, numpy.uint8)[:242 * stride].reshape(242, stride)[:, :322]
    print("frame", buffer.offset, pixels.shape, int(pixels.astype(numpy.uint64).sum()))
    buffer.unmap(mapped)
pipeline.set_state(Gst.State.NULL)
"""


@vm_test(limit=180)
def python_and_numpy():
    """appsink in Python: numpy views of the frames have the number of pixels in the caps."""
    with open("/tmp/look.py", "w") as f:
        f.write(PYTHON)
    out = lib.run(["python3", "/tmp/look.py"], limit=150)
    sums = re.findall(r"frame (\d+) \(242, 322\) (\d+)", out)
    assert [int(n) for n, _ in sums] == list(range(5)), out
    assert len({total for _, total in sums}) == 5, "the frames differ"


@vm_test()
def uridecodebin_plays_it():
    """uridecodebin plays cmacam:// as the URI of a camera."""
    launch("uridecodebin uri=cmacam:// ! identity eos-after=5 ! fakesink sync=false")


@vm_test()
def import_by_a_driver():
    """v4l2sink imports our dma-bufs into another driver (vivid), which outputs them."""
    # With an HDMI output, whose colours are BT.709 as the camera's; the default is analogue.
    lib.run(["modprobe", "vivid", "node_types=0x100", "allocators=1", "num_outputs=1", "output_types=1"])
    try:
        node = lib.wait_until(lambda: next(iter(vivid_outputs()), None), "vivid's node")
        launch("cmacamsrc num-buffers=10 ! video/x-raw,format=NV12,width=1280,height=720 ! "
               f"v4l2sink device={node} io-mode=dmabuf-import sync=false")
    finally:
        lib.wait_until(lambda: subprocess.run(["rmmod", "vivid"], capture_output=True).returncode == 0, "vivid is free")


def vivid_outputs():
    for path in glob.glob("/sys/class/video4linux/*/name"):
        with open(path) as f:
            if "vivid" in f.read():
                yield "/dev/" + path.split("/")[-2]


@vm_test(limit=180)
def leaks_nothing_with_a_tee():
    """GStreamer's leaks tracer finds nothing after a tee, an encoder and an appsink."""
    out = lib.run("GST_TRACERS=leaks GST_DEBUG=GST_TRACER:7 gst-launch-1.0 -q cmacamsrc num-buffers=20 ! "
                  f"{NV12} ! tee name=t ! queue ! jpegenc ! fakesink t. ! queue ! fakesink")
    assert not re.search(r"(?<!format string: )object-alive, type", out), out
