# SPDX-License-Identifier: MIT
"""Why programs of others do not show the right picture everywhere, each time with a place in the program's source.

By program: (formats, sizes, sentence, link); the first one that fits counts. What is right in spite of a reason fails.
"""

FORMATS = ("NV12", "YUYV", "GREY", "BGR3")
SIZES = ((640, 480), (650, 480), (720, 576), (800, 600), (854, 480), (1280, 720), (1366, 768), (1920, 1080), (300, 300))
# What the node does not list.
UNLISTED = ((650, 480),)
# Widths that are no multiple of four.
ODD = tuple(size for size in SIZES if size[0] % 4)

OPENCV = "https://github.com/opencv/opencv/blob/4.10.0/modules/videoio/src/cap_v4l.cpp, convertToRgb"
V4L2 = "https://gitlab.freedesktop.org/gstreamer/gstreamer/-/blob/1.28.6/subprojects/gst-plugins-good/sys/v4l2/gstv4l2object.c"
PIPEWIRE = "https://gitlab.freedesktop.org/pipewire/pipewire/-/blob/1.6.8/src/gst/gstpipewiresrc.c, dequeue_buffer"
LIBCAMERA = "https://git.libcamera.org/libcamera/libcamera.git/tree/src/libcamera/stream.cpp?h=v0.7.2, rangeDiscreteSizes"
MESA = "https://gitlab.freedesktop.org/mesa/mesa/-/blob/26.1/src/gallium/frontends/dri/dri_helpers.c, dri2_format_table"
VICODEC = ("https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/drivers/media/test-drivers/vicodec/"
           "vicodec-core.c?h=linux-7.2.y")
USTREAMER = "https://github.com/pikvm/ustreamer/blob/v5.4/src/ustreamer/encoders/cpu/encoder.c"
MOTION = "https://github.com/Motion-Project/motion/blob/release-4.7.1/src"
FSWEBCAM = "https://github.com/fsphil/fswebcam/blob/master/dec_yuv.c, fswc_add_image_yuyv"
CHROMIUM = ("https://source.chromium.org/chromium/chromium/src/+/main:third_party/blink/renderer/modules/mediastream/"
            "media_stream_constraints_util_video_device.cc")

FULL_RANGE = "It takes the samples for those of the full range: the picture has less contrast"
LISTED_ONLY = (FORMATS, UNLISTED, "It takes what the node lists; with `stepwise=1` it takes this size, too",
               f"{V4L2}, gst_v4l2_object_probe_caps_for_format")
FIRST_PLANE_ONLY = (("NV12",), ODD, "Up to 1.6, pipewiresrc takes the length of a line for the first plane only", PIPEWIRE)

REASONS = {
    "OpenCV, V4L2": (
        (FORMATS, ODD, "OpenCV fills a picture whose lines are multiples of 4 bytes as if they were packed: with any camera, "
         "each line is shifted against the one before. The GStreamer backend does not", OPENCV),
        (("NV12",), SIZES, "OpenCV converts NV12 to RGB, and says BGR: red and blue are exchanged. By itself it chooses BGR",
         OPENCV)),
    "v4l2src, io-mode=mmap": (LISTED_ONLY,),
    "v4l2src, io-mode=dmabuf": (LISTED_ONLY,),
    "v4l2src, io-mode=dmabuf-import": (
        LISTED_ONLY,
        (("BGR3",), SIZES, "The output of vivid, whose buffers these are, answers sRGB with another colorimetry, and v4l2sink "
         "refuses that", f"{V4L2}, gst_v4l2_object_set_format_full")),
    "uStreamer": (
        (("YUYV",), SIZES, FULL_RANGE, f"{USTREAMER}, _jpeg_write_scanlines_yuyv"),
        (("RGB3",), SIZES, "It goes on by more with each line, leaves the frame, and crashes",
         f"{USTREAMER}, _jpeg_write_scanlines_rgb24")),
    "fswebcam": ((("YUYV",), SIZES, FULL_RANGE, FSWEBCAM),),
    "motion": (
        (("YUYV",), tuple(size for size in SIZES if size[0] % 8 or size[1] % 8), "It has sizes of multiples of 8 only",
         f'{MOTION}/motion.c, "modulo 8"'),
        (("YUYV",), SIZES, FULL_RANGE, f"{MOTION}/jpegutils.c, jpgutl_put_yuv420p")),
    "PipeWire, V4L2": (FIRST_PLANE_ONLY,),
    "PipeWire, libcamera": (
        (FORMATS, (*UNLISTED, (300, 300)), "PipeWire asks libcamera for a list, and libcamera makes one of usual sizes out of "
         "each range", LIBCAMERA),
        FIRST_PLANE_ONLY),
    "Chromium": ((("NV12",), UNLISTED, "It takes what the node lists, and makes other sizes out of those, if it may",
                  CHROMIUM),),
    "EGL, llvmpipe": ((("BGR3",), SIZES, "Mesa knows no format of 24 bits: take XR24", MESA),),
    "vicodec": (
        (FORMATS, ((300, 300),), "The codec begins at 640x360", f"{VICODEC}, MIN_WIDTH"),
        (("NV12",), ((800, 600), (1920, 1080)), "Its chroma follows a number of lines that is a multiple of 16: ask the camera "
         "for that many", f"{VICODEC}, vidioc_try_fmt")),
}

# What else a user of the program has to know.
NOTES = {"PipeWire, V4L2": "Up to 1.6, PipeWire gives a V4L2 buffer back before its reader is done with it, whatever the camera: "
                           "a slow reader sees two frames in one picture. `pipewiresrc always-copy=true` does not"}
