/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device provider lists each camera as a GstDevice. It also reports when a camera
 * is plugged in or unplugged.
 */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_CMACAM_DEVICE_PROVIDER (gst_cmacam_device_provider_get_type())
G_DECLARE_FINAL_TYPE(GstCmacamDeviceProvider, gst_cmacam_device_provider, GST,
		     CMACAM_DEVICE_PROVIDER, GstDeviceProvider)

GST_DEVICE_PROVIDER_REGISTER_DECLARE(cmacamdeviceprovider)

G_END_DECLS
