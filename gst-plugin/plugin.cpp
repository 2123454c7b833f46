/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The GStreamer plugin "cmacam": the source element and the device provider.
 */
#include "device_provider.h"
#include "frame_meta.h"
#include "src.h"

static gboolean pluginInit(GstPlugin *plugin)
{
	/* A program may look for the meta, or receive it, before there is a cmacamsrc. */
	cmacam::gst::registerFrameMeta();
	return GST_ELEMENT_REGISTER(cmacamsrc, plugin) &&
	       GST_DEVICE_PROVIDER_REGISTER(cmacamdeviceprovider, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cmacam,
		  "Zero-copy capture from cmacam camera boards", pluginInit, PACKAGE_VERSION,
		  "LGPL", "cmacam", "cmacam")
