/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a cmacam camera can be asked for, and what it answers.
 */

#pragma once

#include <memory>
#include <vector>

#include <libcamera/base/span.h>

#include <libcamera/camera.h>
#include <libcamera/geometry.h>
#include <libcamera/stream.h>
#include <libcamera/transform.h>

#include "camera_data.h"

namespace libcamera {

class CmacamCameraConfiguration : public CameraConfiguration
{
public:
	explicit CmacamCameraConfiguration(CmacamCameraData *data);

	static std::unique_ptr<CmacamCameraConfiguration> generate(CmacamCameraData *data,
								   Span<const StreamRole> roles);

	Status validate() override;

	/* Both valid after validate(); the outputs in the order of the streams. */
	const std::vector<CmacamCameraData::OutputFormat> &outputs() const { return outputs_; }
	Transform transform() const { return transform_; }

	static Size nearestSize(const SizeRange &range, const Size &size);
	static unsigned int mainIndex(Span<const StreamConfiguration> configs);
	static unsigned int wantedStride(const StreamConfiguration &cfg,
					 const StreamConfiguration &validated);

private:
	bool sensorConfigFits() const;
	Status validateStream(unsigned int index, CmacamOutput *output);

	/* The data lives as long as the camera, and the application may keep this longer. */
	std::shared_ptr<Camera> camera_;
	CmacamCameraData *data_;
	std::vector<CmacamCameraData::OutputFormat> outputs_;
	std::vector<StreamConfiguration> validated_;
	Transform transform_;
};

} /* namespace libcamera */
