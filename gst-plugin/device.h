/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The GstDevice of a camera.
 */
#pragma once

#include <memory>

#include <gst/gst.h>
#include <libcamera/camera.h>

G_BEGIN_DECLS

#define GST_TYPE_CMACAM_DEVICE (gst_cmacam_device_get_type())
G_DECLARE_FINAL_TYPE(GstCmacamDevice, gst_cmacam_device, GST, CMACAM_DEVICE, GstDevice)

G_END_DECLS

namespace cmacam::gst {

/**
 * Makes a device with the caps of @camera and with libcamera's properties. The
 * reference is floating. The device creates a cmacamsrc for a cmacam camera and a
 * libcamerasrc for any other camera.
 */
GstDevice *makeDevice(libcamera::Camera &camera);

/** Returns libcamera's id of the camera of @device, which owns the string. */
const char *cameraId(GstDevice *device);

} /* namespace cmacam::gst */
