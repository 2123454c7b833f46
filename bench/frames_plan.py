# SPDX-License-Identifier: MIT
"""What ./dev bench frames measures: read by the host, which reports, and where the camera is, by frames.py."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Size:
    name: str
    width: int
    height: int
    fps: int      # of a virtual board, so that an emulated consumer keeps up
    frames: int   # that count

    @property
    def frame_bytes(self):
        return self.width * self.height * 3 // 2   # NV12


SIZES = (Size("VGA", 640, 480, 10, 24), Size("1080p", 1920, 1080, 10, 24), Size("4K", 3840, 2160, 5, 12),
         Size("8K", 7680, 4320, 3, 8))
QUICK = ("VGA",)
LATENCY_FRAMES = 4   # times as many for a percentile

CAPS = "video/x-raw,format=NV12,width={size.width},height={size.height}"
PIPELINE = "{source} ! " + CAPS + " ! fakesink name=sink"
TO_OPENCV = "{source} ! " + CAPS + " ! videoconvert ! video/x-raw,format=BGR ! appsink"


@dataclasses.dataclass(frozen=True)
class Consumer:
    """One way to get at frames.

    kind: gst (gst-launch-1.0), cam, or one of our programs. touches: whether pixels are read;
    what does not touch any must cost the same whatever their number.
    """

    name: str
    kind: str
    source: str = ""          # element
    options: tuple = ()
    touches: bool = False
    libcamera: bool = False   # its cameras are wanted: the handler must be loaded

    def command(self, size, device, programs, marker=""):
        """What to run. marker: the trace_marker that is to hear of each frame, where the program can do that."""
        source = self.source.format(device=device)
        runner = ["cmacam-run"] if self.libcamera else []
        marking = ("--marker", marker) if marker else ()
        if self.kind == "cam":
            stream = f"width={size.width},height={size.height},pixelformat=NV12"
            return [*runner, "cam", "-c1", "--stream", stream, "--capture"]
        if self.kind == "gst":
            pipeline = PIPELINE.format(source=source, size=size)
            # The one is what users run, the other the same with an eye on the pad.
            return [*runner, *([f"{programs}/frames_gst", pipeline, *marking] if marker
                               else ["gst-launch-1.0", "-q", *pipeline.split()])]
        options = [option.format(device=device, pipeline=TO_OPENCV.format(source=source, size=size))
                   for option in self.options]
        return [*runner, f"{programs}/{self.kind}", "--width", str(size.width), "--height", str(size.height),
                *options, *marking]


EMULATED = "virtual board"
LOOP, OURS, THEIRS, DIRECT = "plain V4L2 loop", "cmacamsrc", "libcamerasrc", "v4l2src io-mode=dmabuf"
# Exposure and colours are the camera's as long as nobody says otherwise: no part of what V4L2's own users get.
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
