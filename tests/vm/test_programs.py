# SPDX-License-Identifier: MIT
"""Programs of other projects: which ones show the right picture, at which size and in which format."""

import glob
import os
import re
import shutil
import signal
import subprocess
import urllib.request

import browser
import codec
import desktop
import egl
import installed
import lib
import programs
import strides
from declare import Machine, vm_test
from programs import FORMATS, FRAMES, GSTREAMER, PACED, STILL, every, package, try_all

CODE = Machine(board=("--source", "/usr/share/cmacam/code.png"), memory="4G")
FFMPEG = {"NV12": "nv12", "YUYV": "yuyv422", "GREY": "gray", "BGR3": "bgr24"}
# Exposure and white balance do not move between a program's frame and the picture that it is compared with.
MANUAL = "cmacamsrc ae-enable=false awb-enable=false"
# After this number of frames the camera's own exposure and white balance rest.
SETTLED = 40


def by_ffmpeg(pixels, width, height):
    """The picture that ffmpeg reads."""
    lib.run(["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-y", "-f", "v4l2", "-input_format", FFMPEG[pixels],
             "-video_size", f"{width}x{height}", "-i", lib.video(), "-frames:v", str(FRAMES), "-fps_mode", "passthrough", "-f",
             "rawvideo", "/tmp/ffmpeg.raw"])
    return programs.read(pixels, width, height, "/tmp/ffmpeg.raw")


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def ffmpeg():
    """ffmpeg -f v4l2, four formats at nine sizes."""
    try_all("ffmpeg", package("ffmpeg"), "ffmpeg -f v4l2 -input_format nv12 -video_size 800x600 -i /dev/video0 ...", every(),
            by_ffmpeg)


def by_opencv(*source):
    """The picture that cv2.VideoCapture reads."""
    import cv2
    capture = cv2.VideoCapture(*source)
    try:
        for _ in range(FRAMES):
            good, shown = capture.read()
            if not good:
                raise ValueError("no frame")
    finally:
        capture.release()
    return cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR) if shown.ndim == 2 or shown.shape[2] == 1 else shown


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def opencv_by_v4l2():
    """cv2.VideoCapture with CAP_V4L2, four formats at nine sizes."""
    import cv2

    def show(pixels, width, height):
        return by_opencv(lib.video(), cv2.CAP_V4L2, [cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*pixels),
                                                     cv2.CAP_PROP_FRAME_WIDTH, width, cv2.CAP_PROP_FRAME_HEIGHT, height])

    try_all("OpenCV, V4L2", package("python3-opencv"), 'cv2.VideoCapture("/dev/video0", cv2.CAP_V4L2)', every(), show)


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def opencv_by_gstreamer():
    """cv2.VideoCapture with CAP_GSTREAMER behind cmacamsrc, four formats at nine sizes."""
    import cv2

    def show(pixels, width, height):
        return programs.narrow(pixels, by_opencv(f"{MANUAL} ! {programs.caps(pixels, width, height)} ! videoconvert ! "
                                                 "video/x-raw,format=BGR ! appsink", cv2.CAP_GSTREAMER))

    try_all("OpenCV, GStreamer", package("python3-opencv"),
            'cv2.VideoCapture("cmacamsrc ! ... ! appsink", cv2.CAP_GSTREAMER)', every(), show)


def by_gstreamer(source):
    """The picture of a GStreamer source, converted by videoconvert."""
    def show(pixels, width, height):
        lib.run(f"gst-launch-1.0 -q {source} num-buffers={FRAMES} ! {programs.caps(pixels, width, height)} ! "
                "filesink location=/tmp/gstreamer.raw")
        return programs.read_gstreamer(pixels, width, height, "/tmp/gstreamer.raw")

    return show


def v4l2src(mode, show):
    try_all(f"v4l2src, io-mode={mode}", package("gstreamer1.0-plugins-good"),
            f"gst-launch-1.0 v4l2src device=/dev/video0 io-mode={mode} ! video/x-raw,format=NV12,width=800,height=600 ! ...",
            every(), show)


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def v4l2src_mmap():
    """v4l2src with mapped buffers, four formats at nine sizes."""
    v4l2src("mmap", by_gstreamer(f"v4l2src device={lib.video()} io-mode=mmap"))


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def v4l2src_dmabuf():
    """v4l2src that exports dma-bufs, four formats at nine sizes."""
    v4l2src("dmabuf", by_gstreamer(f"v4l2src device={lib.video()} io-mode=dmabuf"))


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def v4l2src_dmabuf_import():
    """v4l2src into dma-bufs of another device (vivid's output), four formats at nine sizes."""
    with programs.module("vivid", "node_types=0x100", "num_outputs=1", "output_types=1", "allocators=1"):
        output = lib.node("vivid-000-vid-out")
        v4l2src("dmabuf-import", lambda *case: by_import(output, *case))


def by_import(output, pixels, width, height):
    """The picture that v4l2src passes to v4l2sink, in the sink's own buffers."""
    planes = [height, height // 2] if pixels == "NV12" else [height]
    source = f"""
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo
Gst.init(None)
pipeline = Gst.parse_launch("v4l2src device={lib.video()} io-mode=dmabuf-import num-buffers={FRAMES} ! video/x-raw,"
                            "format={GSTREAMER[pixels]},width={width},height={height} ! "
                            "v4l2sink name=sink device={output} io-mode=dmabuf sync=false")
def seen(pad, info):
    buffer = info.get_buffer()
    memory = buffer.peek_memory(0)
    assert memory.is_type("dmabuf"), memory.allocator
    layout = GstVideo.buffer_get_video_meta(buffer) or GstVideo.VideoInfo.new_from_caps(pad.get_current_caps())
    with open("/tmp/import.raw", "wb") as f:
        for lines, offset, stride in zip({planes}, layout.offset, layout.stride):
            for line in range(lines):
                f.write(buffer.extract_dup(offset + line * stride, {width * strides.FORMATS[pixels][0]}))
    return Gst.PadProbeReturn.OK
pipeline.get_by_name("sink").get_static_pad("sink").add_probe(Gst.PadProbeType.BUFFER, seen)
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
assert message and message.type == Gst.MessageType.EOS, message and message.parse_error()
"""
    lib.run(["python3", "-c", source])
    return programs.read(pixels, width, height, "/tmp/import.raw")


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def cmacamsrc():
    """cmacamsrc, four formats at nine sizes."""
    try_all("cmacamsrc", f"GStreamer {package('libgstreamer1.0-0')}",
            f"gst-launch-1.0 {MANUAL} ! video/x-raw,format=NV12,width=800,height=600 ! ...", every(), by_gstreamer(MANUAL))


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def v4l2loopback():
    """v4l2loopback, which cmacamsrc writes to and v4l2src reads from, four formats at nine sizes."""
    path = f"{programs.foreign('v4l2loopback')}/v4l2loopback.ko"

    def show(pixels, width, height):
        loop = lib.node("loopback")
        writer = subprocess.Popen(["gst-launch-1.0", "-q", *MANUAL.split(), "!", f"video/x-raw,format={GSTREAMER[pixels]},"
                                   f"width={width},height={height}", "!", "v4l2sink", f"device={loop}"])
        try:
            # The module tells who asks whether somebody writes.
            state = f"/sys/class/video4linux/{os.path.basename(loop)}/state"
            lib.wait_until(lambda: open(state).read().strip() == "capture" or writer.poll() is not None, "a writer")
            return by_gstreamer(f"v4l2src device={loop}")(pixels, width, height)
        finally:
            writer.send_signal(signal.SIGINT)
            writer.wait(30 * lib.SLOWER)

    version = lib.run(["modinfo", "-F", "version", path]).strip()
    with programs.module(path, "card_label=loopback"):
        try_all("v4l2loopback", version, "gst-launch-1.0 cmacamsrc ! ... ! v4l2sink device=/dev/video8", every(), show)


@vm_test(machine=STILL, settings=PACED, limit=600, long=True)
def ustreamer():
    """uStreamer, YUYV and RGB24 at nine sizes: a snapshot by HTTP."""
    names = {"YUYV": "YUYV", "RGB3": "RGB24"}

    def show(pixels, width, height):
        programs.forget("/tmp/s.jpg")
        server = subprocess.Popen(["ustreamer", "--device", lib.video(), "--format", names[pixels], "--resolution",
                                   f"{width}x{height}", "--quality", "95", "--host", "127.0.0.1", "--port", "8080"])
        try:
            lib.wait_until(lambda: online(server), "frames of the camera")
            with urllib.request.urlopen("http://127.0.0.1:8080/snapshot", timeout=30) as answer, open("/tmp/s.jpg", "wb") as f:
                f.write(answer.read())
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30 * lib.SLOWER)
        return programs.read_image("/tmp/s.jpg")

    def online(server):
        assert server.poll() is None, f"uStreamer ended with status {server.returncode}"
        try:
            with urllib.request.urlopen("http://127.0.0.1:8080/state", timeout=30) as answer:
                return b'"online": true' in answer.read()
        except OSError:
            return False

    try_all("uStreamer", package("ustreamer"), "ustreamer --device /dev/video0 --format YUYV --resolution 800x600",
            every(names), show)


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def motion():
    """motion, YUYV at nine sizes: the pictures that it writes."""
    def show(_, width, height):
        shutil.rmtree("/tmp/motion", ignore_errors=True)
        with open("/tmp/motion.conf", "w") as f:
            f.write(f"video_device {lib.video()}\nwidth {width}\nheight {height}\nframerate 5\nvideo_params palette=15\n"
                    "snapshot_interval 1\npicture_output off\nmovie_output off\ntarget_dir /tmp/motion\nwebcontrol_port 0\n"
                    "picture_quality 95\ntext_left\ntext_right\n")
        child = subprocess.Popen(["motion", "-n", "-c", "/tmp/motion.conf"])
        try:
            # The second one follows when the first is whole.
            lib.wait_until(lambda: len(glob.glob("/tmp/motion/*-*-snapshot.jpg")) > 1, "two snapshots", 60)
        finally:
            child.terminate()
            child.wait(30 * lib.SLOWER)
        return programs.read_image(sorted(glob.glob("/tmp/motion/*-*-snapshot.jpg"))[0])

    try_all("motion", package("motion"), "motion -c motion.conf, with video_device, width, height", every(("YUYV",)), show)


@vm_test(machine=STILL, settings=PACED, limit=600, long=True)
def fswebcam():
    """fswebcam, YUYV and GREY at nine sizes: one JPEG each."""
    def show(pixels, width, height):
        programs.forget("/tmp/f.jpg")
        lib.run(["fswebcam", "-q", "-d", lib.video(), "-p", pixels, "-r", f"{width}x{height}", "--no-banner", "--jpeg", "95",
                 "/tmp/f.jpg"])
        return programs.read_image("/tmp/f.jpg")

    try_all("fswebcam", package("fswebcam"), "fswebcam -d /dev/video0 -p YUYV -r 800x600 picture.jpg",
            every(("YUYV", "GREY")), show)


@vm_test(machine=CODE, settings=PACED, limit=300, long=True)
def zbarcam():
    """zbarcam reads the code that the board's sensor sees, at nine sizes."""
    def show(_, width, height):
        out = lib.run(["zbarcam", "--nodisplay", "--raw", "--oneshot", f"--prescale={width}x{height}", lib.video()])
        assert "cmacam sees this" in out, out
        return programs.picture("GREY", width, height)

    try_all("zbarcam", package("zbar-tools"), "zbarcam --nodisplay --prescale=800x600 /dev/video0", every(("GREY",)), show,
            own_choice=True)


@vm_test(machine=STILL, settings=PACED, limit=300, long=True)
def yavta():
    """yavta, four formats at nine sizes: the frames that it writes."""
    names = {"BGR3": "BGR24", "GREY": "Y8"}

    def show(pixels, width, height):
        programs.forget(*glob.glob("/tmp/y-*"))
        lib.run(["yavta", f"-c{FRAMES}", "-n4", "-f", names.get(pixels, pixels), "-s", f"{width}x{height}", "-F/tmp/y-#",
                 lib.video()])
        return programs.read(pixels, width, height, sorted(glob.glob("/tmp/y-*"))[-1])

    try_all("yavta", package("yavta"), "yavta -c3 -n4 -f NV12 -s 800x600 -F /dev/video0", every(), show)


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def pipewire_by_v4l2():
    """pipewiresrc with unmodified PipeWire and WirePlumber, which read the video node."""
    with desktop.Session() as session:
        node = session.camera("v4l2")
        try_all("PipeWire, V4L2", package("pipewire"), "gst-launch-1.0 pipewiresrc ! video/x-raw,... ! ...", every(),
                session.reader(node))


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def pipewire_by_libcamera():
    """pipewiresrc, with the installed module for WirePlumber: the desktop has the camera once, in colour, and no environment."""
    with installed.files(), desktop.Session(*installed.IN_USR) as session:
        node = session.camera("libcamera")
        assert session.nodes()[0]["media.role"] == "Camera", "browsers look for this role"
        chosen = session.choice(node)
        assert "format=(string)GRAY" not in chosen and re.search(r"format=\(string\)(NV12|I420|YUY2|BGR|RGB)", chosen), chosen
        try_all("PipeWire, libcamera", package("pipewire"), "gst-launch-1.0 pipewiresrc ! video/x-raw,... ! ...", every(),
                session.reader(node, SETTLED))
        assert len(session.nodes()) == 1, session.nodes()


@vm_test(machine=STILL, settings=PACED, limit=600, long=True)
def chromium():
    """Chromium's getUserMedia: the settings of its track, and a frame."""
    with browser.Browser() as shown:
        try_all("Chromium", package("chromium-headless-shell"),
                "navigator.mediaDevices.getUserMedia({video: {width: {exact: 800}, height: {exact: 600}}})", every(("NV12",)),
                lambda _, width, height: shown.frame(width, height), own_choice=True)


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def egl_import():
    """eglCreateImage of a frame's dma-buf, drawn by llvmpipe: six formats at nine sizes."""
    with egl.Display() as display:
        try_all("EGL, llvmpipe", package("libegl-mesa0"), "eglCreateImage(EGL_LINUX_DMA_BUF_EXT)",
                every((*FORMATS, "XR24", "XB24")), lambda *case: egl.by_camera(display, *case))


@vm_test(machine=STILL, settings=PACED, limit=900, long=True)
def codec_import():
    """vicodec, a stateful encoder that imports the camera's dma-bufs: four formats at nine sizes."""
    modules = programs.foreign("codec")
    with programs.module(f"{modules}/v4l2-mem2mem.ko"), programs.module(f"{modules}/vicodec/vicodec.ko"):
        try_all("vicodec", os.uname().release, "VIDIOC_QBUF of the frame's dma-buf to the encoder, V4L2_MEMORY_DMABUF", every(),
                codec.by_camera)
