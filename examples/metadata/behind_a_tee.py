# SPDX-License-Identifier: MIT
"""Print how each frame was exposed, in two branches behind a tee: one gets the frames, the other makes pictures of them."""

import sys

import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402,F401

Gst.init(None)
pipeline = Gst.parse_launch(
    "cmacamsrc num-buffers=20 ! video/x-raw,format=NV12,width=640,height=480 ! tee name=t "
    "t. ! queue ! appsink name=frames sync=false "
    "t. ! queue ! videoconvert ! jpegenc ! appsink name=pictures sync=false")
bus = pipeline.get_bus()
sinks = [pipeline.get_by_name(name) for name in ("frames", "pictures")]
pipeline.set_state(Gst.State.PLAYING)

while samples := [sample for sink in sinks if (sample := sink.pull_sample())]:
    for sink, sample in zip(sinks, samples):
        # The structure belongs to the buffer, so it is valid as long as the buffer.
        buffer = sample.get_buffer()
        fields = buffer.get_custom_meta("GstCmacamFrame").structure
        print(sink.name, *(f"{name}={fields.get_value(name)}" for name in (
            "sequence", "lost", "timestamp", "exposure-time", "analogue-gain", "digital-gain", "frame-duration", "ae-state")))

error = bus.pop_filtered(Gst.MessageType.ERROR)
pipeline.set_state(Gst.State.NULL)
if error:
    sys.exit(error.parse_error().gerror.message)
