/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Defaults and validation of the configuration of a cmacam camera.
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

	/*
	 * outputs() and transform() are valid after validate(). outputs() has one
	 * entry for each stream, in the order of the streams.
	 */
	const std::vector<CmacamCameraData::OutputFormat> &outputs() const { return outputs_; }
	Transform transform() const { return transform_; }

	static Size nearestSize(const SizeRange &range, const Size &size);
	static unsigned int mainIndex(Span<const StreamConfiguration> configs);
	static unsigned int wantedStride(const StreamConfiguration &cfg,
					 const StreamConfiguration &validated);

private:
	bool sensorConfigFits() const;
	Status validateStream(unsigned int index, CmacamOutput *output);

	/*
	 * The camera owns the object that data_ points to. This reference keeps the
	 * camera alive, because an application may release its reference to the
	 * camera before it deletes the configuration.
	 */
	std::shared_ptr<Camera> camera_;
	CmacamCameraData *data_;
	std::vector<CmacamCameraData::OutputFormat> outputs_;
	std::vector<StreamConfiguration> validated_;
	Transform transform_;
};

} /* namespace libcamera */
