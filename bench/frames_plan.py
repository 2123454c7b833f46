# SPDX-License-Identifier: MIT
"""The plan of ./dev bench frames. The host reads it for the report; frames.py reads it where the camera is."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    width: int
    height: int
    fps: int      # frame rate of a virtual board, low enough for an emulated consumer
    frames: int   # number of measured frames

    @property
    def frame_bytes(self):
        return self.width * self.height * 3 // 2   # NV12


SIZES = (Size("VGA", 640, 480, 10, 24), Size("1080p", 1920, 1080, 10, 24), Size("4K", 3840, 2160, 5, 12),
         Size("8K", 7680, 4320, 3, 8))
QUICK = ("VGA",)
LATENCY_FRAMES = 4   # factor of the number of frames, because a percentile needs more frames

CAPS = "video/x-raw,format=NV12,width={size.width},height={size.height}"
PIPELINE = "{source} ! " + CAPS + " ! fakesink name=sink"
TO_OPENCV = "{source} ! " + CAPS + " ! videoconvert ! video/x-raw,format=BGR ! appsink"


@dataclasses.dataclass(frozen=True)
class Consumer:
    """One way to receive frames.

    kind: gst (gst-launch-1.0), cam, or the name of one of our programs. touches: whether the consumer reads
    pixels. A consumer that reads no pixels must cost the same at every frame size.
    """

    name: str
    kind: str
    source: str = ""          # element
    options: tuple = ()
    touches: bool = False
    libcamera: bool = False   # the consumer uses libcamera, so it needs our pipeline handler

    def command(self, size, device, programs, marker=""):
        """Returns the command to run. marker: path of a trace_marker to which the program writes a line per frame."""
        source = self.source.format(device=device)
        runner = ["cmacam-run"] if self.libcamera else []
        marking = ("--marker", marker) if marker else ()
        if self.kind == "cam":
            stream = f"width={size.width},height={size.height},pixelformat=NV12"
            return [*runner, "cam", "-c1", "--stream", stream, "--capture"]
        if self.kind == "gst":
            pipeline = PIPELINE.format(source=source, size=size)
            # Users run gst-launch-1.0. frames_gst runs the same pipeline and marks each buffer at the sink's pad.
            return [*runner, *([f"{programs}/frames_gst", pipeline, *marking] if marker
                               else ["gst-launch-1.0", "-q", *pipeline.split()])]
        options = [option.format(device=device, pipeline=TO_OPENCV.format(source=source, size=size))
                   for option in self.options]
        return [*runner, f"{programs}/{self.kind}", "--width", str(size.width), "--height", str(size.height),
                *options, *marking]


EMULATED = "virtual board"
LOOP, OURS, THEIRS, DIRECT = "plain V4L2 loop", "cmacamsrc", "libcamerasrc", "v4l2src io-mode=dmabuf"
# By default libcamera controls exposure and colours, which costs time. Plain V4L2 consumers have no such control.
MANUAL = " ae-enable=false awb-enable=false"
OURS_MANUAL, THEIRS_MANUAL = f"{OURS}, manual", f"{THEIRS}, manual"
CONSUMERS = (
    Consumer(LOOP, "frames_v4l2", options=("--device", "{device}")),
    Consumer("v4l2src io-mode=mmap", "gst", "v4l2src device={device} io-mode=mmap"),
    Consumer(DIRECT, "gst", "v4l2src device={device} io-mode=dmabuf"),
    Consumer(THEIRS, "gst", "libcamerasrc", libcamera=True),
    Consumer(OURS, "gst", "cmacamsrc"),
    Consumer(THEIRS_MANUAL, "gst", "libcamerasrc" + MANUAL, libcamera=True),
    Consumer(OURS_MANUAL, "gst", "cmacamsrc" + MANUAL),
    Consumer("cam", "cam", libcamera=True),
    Consumer("MappedFrame, no pixel", "frames_mapped", libcamera=True),
    Consumer("MappedFrame, all pixels", "frames_mapped", options=("--touch",), touches=True, libcamera=True),
    Consumer("OpenCV, V4L2", "frames_opencv", options=("--device", "{device}"), touches=True),
    Consumer("OpenCV, GStreamer", "frames_opencv", "cmacamsrc", ("--pipeline", "{pipeline}"), touches=True),
)

BOOTS = ("cost", "latency")


@dataclasses.dataclass(frozen=True)
class Cell:
    consumer: Consumer
    size: Size

    @property
    def key(self):
        return self.consumer.name, self.size.name


def cells(sizes):
    return [Cell(consumer, size) for size in SIZES if size.name in sizes for consumer in CONSUMERS]
