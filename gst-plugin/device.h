/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A camera as GstDevice.
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
 * A floating device with the camera's caps and libcamera's properties. Its
 * element is cmacamsrc, or libcamerasrc for a camera that is not ours.
 */
GstDevice *makeDevice(libcamera::Camera &camera);

/** The libcamera id of @device. */
const char *cameraId(GstDevice *device);

} /* namespace cmacam::gst */
