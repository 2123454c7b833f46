/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamConfigurations: what the streams of a camera are configured as.
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
 * Turns the wishes of the users into a configuration of the camera. What a user
 * left open and the camera chose is from then on a wish, too: a stream keeps its
 * format and size when another stream is configured.
 *
 * Not thread-safe: the session's mutex for configuring guards it.
 */
class StreamConfigurations
{
public:
	explicit StreamConfigurations(std::shared_ptr<libcamera::Camera> camera);

	/** What the user of stream @which wants; replaces what it has wanted so far. */
	void want(Stream which, const StreamSettings &settings);

	/**
	 * Configures the camera, which has to be acquired and must not run, with
	 * @streams and no other; without any the camera stays as it is. Returns
	 * the configurations of @streams. Errors: EINVAL if the camera does not
	 * have these streams at once, or cannot deliver all that is wanted, with
	 * the nearest that it can; ENODEV if the camera is gone; those of
	 * Camera::configure().
	 */
	Result<PerStream<libcamera::StreamConfiguration>> apply(std::span<const Stream> streams);

private:
	const std::shared_ptr<libcamera::Camera> camera_;
	PerStream<StreamSettings> wanted_;
};

} /* namespace cmacam */
