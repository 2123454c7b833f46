# SPDX-License-Identifier: MIT
"""Play a small preview with GStreamer, and write pictures in full size beside it to JPEG files.

The argument is the folder for the pictures.
"""

import sys

import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstVideo  # noqa: E402

Gst.init(None)
pipeline = Gst.parse_launch("cmacamsrc name=camera still-caps=video/x-raw,format=NV12 "
                            "! video/x-raw,format=NV12,width=320,height=240 ! fakesink name=preview sync=false")
bus = pipeline.get_bus()
camera = pipeline.get_by_name("camera")
pipeline.set_state(Gst.State.PLAYING)
pipeline.get_state(Gst.CLOCK_TIME_NONE)
# PLAYING is reached before the first frame.
while not pipeline.get_by_name("preview").get_property("last-sample"):
    if error := bus.timed_pop_filtered(10 * Gst.MSECOND, Gst.MessageType.ERROR):
        sys.exit(error.parse_error().gerror.message)

for number in range(2):
    still = camera.emit("snapshot", 10 * Gst.SECOND)
    if not still:
        sys.exit(bus.pop_filtered(Gst.MessageType.WARNING).parse_warning().gerror.message)
    jpeg = GstVideo.video_convert_sample(still, Gst.Caps.from_string("image/jpeg"), Gst.CLOCK_TIME_NONE)
    path = f"{sys.argv[1]}/snapshot-{number}.jpg"
    with open(path, "wb") as file:
        file.write(jpeg.get_buffer().extract_dup(0, jpeg.get_buffer().get_size()))
    shape = still.get_caps().get_structure(0)
    fields = still.get_buffer().get_custom_meta("GstCmacamFrame").structure
    print(f"still sequence={still.get_buffer().offset} size={shape.get_value('width')}x{shape.get_value('height')} "
          f"exposure={fields.get_value('exposure-time')} file={path}", flush=True)
    # Two stills may be held at a time; this one goes back to the camera.
    del still, fields

pipeline.set_state(Gst.State.NULL)
