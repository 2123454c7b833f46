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
 * Makes a device with the caps of @camera and with libcamera's properties of @camera.
 * The returned reference is floating. If @camera is a cmacam camera, the device creates
 * a cmacamsrc as its element. For any other camera, the device creates a libcamerasrc.
 */
GstDevice *makeDevice(libcamera::Camera &camera);

/** Returns libcamera's id of the camera of @device. The string belongs to @device. */
const char *cameraId(GstDevice *device);

} /* namespace cmacam::gst */
