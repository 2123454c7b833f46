/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The GStreamer plugin "cmacam": the source element and the device provider.
 */
#include "device_provider.h"
#include "src.h"

static gboolean pluginInit(GstPlugin *plugin)
{
	return GST_ELEMENT_REGISTER(cmacamsrc, plugin) &&
	       GST_DEVICE_PROVIDER_REGISTER(cmacamdeviceprovider, plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, cmacam,
		  "Zero-copy capture from cmacam camera boards", pluginInit, PACKAGE_VERSION,
		  "LGPL", "cmacam", "cmacam")
