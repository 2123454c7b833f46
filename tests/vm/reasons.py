# SPDX-License-Identifier: MIT
"""The reasons why programs of other projects do not always show the right picture, with links to the programs' sources.

Each program has a list of (formats, sizes, sentence, link). The first entry that fits is used. If a picture is right
although it has a reason, the test fails.
"""

FORMATS = ("NV12", "YUYV", "GREY", "BGR3")
SIZES = ((640, 480), (650, 480), (720, 576), (800, 600), (854, 480), (1280, 720), (1366, 768), (1920, 1080), (300, 300))
# Sizes that the node does not list.
UNLISTED = ((650, 480),)
# Sizes whose width is not a multiple of four.
ODD = tuple(size for size in SIZES if size[0] % 4)

OPENCV = "https://github.com/opencv/opencv/blob/4.10.0/modules/videoio/src/cap_v4l.cpp, convertToRgb"
V4L2 = "https://gitlab.freedesktop.org/gstreamer/gstreamer/-/blob/1.28.6/subprojects/gst-plugins-good/sys/v4l2/gstv4l2object.c"
PIPEWIRE = "https://gitlab.freedesktop.org/pipewire/pipewire/-/blob/1.6.8/src/gst/gstpipewiresrc.c, dequeue_buffer"
SPA = "https://gitlab.freedesktop.org/pipewire/pipewire/-/blob/1.6.8/spa/plugins/libcamera/libcamera-source.cpp"
LIBCAMERA = "https://git.libcamera.org/libcamera/libcamera.git/tree/src/libcamera/stream.cpp?h=v0.7.2, rangeDiscreteSizes"
MESA = "https://gitlab.freedesktop.org/mesa/mesa/-/blob/26.1/src/gallium/frontends/dri/dri_helpers.c, dri2_format_table"
VICODEC = ("https://git.kernel.org/pub/scm/linux/kernel/git/stable/linux.git/tree/drivers/media/test-drivers/vicodec/"
           "vicodec-core.c?h=linux-7.2.y")
USTREAMER = "https://github.com/pikvm/ustreamer/blob/v5.4/src/ustreamer/encoders/cpu/encoder.c"
MOTION = "https://github.com/Motion-Project/motion/blob/release-4.7.1/src"
FSWEBCAM = "https://github.com/fsphil/fswebcam/blob/master/dec_yuv.c, fswc_add_image_yuyv"
CHROMIUM = ("https://source.chromium.org/chromium/chromium/src/+/main:third_party/blink/renderer/modules/mediastream/"
            "media_stream_constraints_util_video_device.cc")

FULL_RANGE = "It treats limited-range samples as full range, so the picture has less contrast"
LISTED_ONLY = (FORMATS, UNLISTED, "It accepts only sizes that the node lists. With `stepwise=1`, it also accepts this size",
               f"{V4L2}, gst_v4l2_object_probe_caps_for_format")
FIRST_PLANE_ONLY = (("NV12",), ODD, "Up to version 1.6, pipewiresrc uses the stride only for the first plane", PIPEWIRE)

REASONS = {
    "OpenCV, V4L2": (
        (FORMATS, ODD, "The lines of OpenCV's picture are multiples of 4 bytes, but OpenCV fills it as if the lines were "
         "packed. So each line is shifted against the previous one, with any camera. The GStreamer backend does not have "
         "this fault", OPENCV),
        (("NV12",), SIZES, "OpenCV converts NV12 to RGB but calls the result BGR, so red and blue are exchanged. If no "
         "format is set, it chooses BGR", OPENCV)),
    "v4l2src, io-mode=mmap": (LISTED_ONLY,),
    "v4l2src, io-mode=dmabuf": (LISTED_ONLY,),
    "v4l2src, io-mode=dmabuf-import": (
        LISTED_ONLY,
        (("BGR3",), SIZES, "The buffers belong to the output of vivid. This output changes the colorimetry of sRGB, and "
         "v4l2sink refuses the change", f"{V4L2}, gst_v4l2_object_set_format_full")),
    "uStreamer": (
        (("YUYV",), SIZES, FULL_RANGE, f"{USTREAMER}, _jpeg_write_scanlines_yuyv"),
        (("RGB3",), SIZES, "It advances too far with each line, reads beyond the frame, and crashes",
         f"{USTREAMER}, _jpeg_write_scanlines_rgb24")),
    "fswebcam": ((("YUYV",), SIZES, FULL_RANGE, FSWEBCAM),),
    "motion": (
        (("YUYV",), tuple(size for size in SIZES if size[0] % 8 or size[1] % 8),
         "It supports only sizes that are multiples of 8", f'{MOTION}/motion.c, "modulo 8"'),
        (("YUYV",), SIZES, FULL_RANGE, f"{MOTION}/jpegutils.c, jpgutl_put_yuv420p")),
    "PipeWire, V4L2": (FIRST_PLANE_ONLY,),
    "PipeWire, libcamera": (
        (FORMATS, (*UNLISTED, (300, 300)), "PipeWire asks libcamera for a list of sizes. libcamera then offers only common "
         "sizes of each range", LIBCAMERA),
        (("GREY",), SIZES, "A program without a wish gets PipeWire's first format, which would be grey. So cmacam's module for "
         "WirePlumber lists only formats with colour", f"{SPA}, spa_libcamera_enum_format"),
        FIRST_PLANE_ONLY),
    "Chromium": ((("NV12",), UNLISTED, "It accepts only sizes that the node lists, and scales them to other sizes if the page "
                  "permits it", CHROMIUM),),
    "EGL, llvmpipe": ((("BGR3",), SIZES, "Mesa does not support 24-bit formats; use XR24", MESA),),
    "vicodec": (
        (FORMATS, ((300, 300),), "The smallest size of the codec is 640x360", f"{VICODEC}, MIN_WIDTH"),
        (("NV12",), ((800, 600), (1920, 1080)), "It places the chroma after a number of lines that is a multiple of 16; "
         "set the camera to such a height", f"{VICODEC}, vidioc_try_fmt")),
}

# What else a user of the program has to know.
NOTES = {"PipeWire, V4L2": "Up to version 1.6, PipeWire gives a V4L2 buffer back before its reader has finished with it. "
                           "This happens with any camera: a slow reader sees two frames in one picture. "
                           "`pipewiresrc always-copy=true` avoids this"}
