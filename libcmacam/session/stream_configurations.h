/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamConfigurations: the configurations of the streams of a camera.
 */
#pragma once

#include <memory>
#include <span>

#include <libcamera/camera.h>
#include <libcamera/stream.h>

#include <cmacam/result.h>

#include "camera_offer.h"
#include "streams.h"

namespace cmacam {

/*
 * The object makes a configuration of the camera from the settings that the users
 * want. If the camera chooses a format or a size, this object stores the choice in
 * the settings. So a stream keeps its format and size when another stream is
 * configured.
 *
 * The class is not thread-safe. CameraSession::setup_ guards the object.
 */
class StreamConfigurations
{
public:
	explicit StreamConfigurations(std::shared_ptr<libcamera::Camera> camera);

	/**
	 * Set the settings that the user of stream @which wants, in place of the former
	 * settings.
	 */
	void want(Stream which, const StreamSettings &settings);

	/**
	 * Configure the camera with exactly the streams @streams. The camera must be
	 * acquired and stopped. If @streams is empty, the camera keeps its configuration.
	 * Returns the configurations of @streams. Errors: ENODEV if the camera was
	 * unplugged; EINVAL if the camera cannot deliver these streams at the same time or
	 * with the wanted settings; the errors of Camera::configure(). If other settings
	 * are possible, the text of EINVAL names the nearest possible settings.
	 */
	Result<PerStream<libcamera::StreamConfiguration>> apply(std::span<const Stream> streams);

private:
	const std::shared_ptr<libcamera::Camera> camera_;
	PerStream<StreamSettings> wanted_;
};

} /* namespace cmacam */
