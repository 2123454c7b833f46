/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cmacam camera can be asked for, and what it answers.
 */

#pragma once

#include <memory>

#include <libcamera/base/span.h>

#include <libcamera/camera.h>
#include <libcamera/geometry.h>
#include <libcamera/stream.h>

#include "libcamera/internal/v4l2_videodevice.h"

namespace libcamera {

class CmacamCameraData;

class CmacamCameraConfiguration : public CameraConfiguration
{
public:
	explicit CmacamCameraConfiguration(CmacamCameraData *data);

	static std::unique_ptr<CmacamCameraConfiguration> generate(CmacamCameraData *data,
								   Span<const StreamRole> roles);

	Status validate() override;

	const V4L2DeviceFormat &deviceFormat() const { return deviceFormat_; }

	static Size nearestSize(const SizeRange &range, const Size &size);

private:
	bool sensorConfigFits() const;

	/* The data lives as long as the camera, and the application may keep this longer. */
	std::shared_ptr<Camera> camera_;
	CmacamCameraData *data_;
	V4L2DeviceFormat deviceFormat_;
};

} /* namespace libcamera */
