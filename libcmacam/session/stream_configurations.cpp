/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamConfigurations: what the streams of a camera are configured as.
 */
#include "stream_configurations.h"

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "errors.h"

namespace cmacam {

StreamConfigurations::StreamConfigurations(std::shared_ptr<libcamera::Camera> camera)
	: camera_(std::move(camera))
{
}

void StreamConfigurations::want(Stream which, const StreamSettings &settings)
{
	wanted_[which] = settings;
}

Result<PerStream<libcamera::StreamConfiguration>>
StreamConfigurations::apply(std::span<const Stream> streams)
{
	const std::string camera = "Camera '" + camera_->id() + "'";
	PerStream<libcamera::StreamConfiguration> applied;
	std::vector<libcamera::StreamRole> roles;

	for (Stream which : streams)
		roles.push_back(wanted_[which].role);
	if (roles.empty())
		return applied;

	std::unique_ptr<libcamera::CameraConfiguration> config =
		camera_->generateConfiguration(roles);
	/* It had one for each of these roles when they were offered. */
	if (!config)
		return goneError(camera_->id());
	if (config->size() != roles.size())
		return Error{EINVAL, camera + " does not have " + std::to_string(roles.size()) +
					     (roles.size() == 1 ? " stream" : " streams at once")};

	std::string wanted;
	for (size_t i = 0; i < streams.size(); i++) {
		libcamera::StreamConfiguration &stream = config->at(i);
		wanted_[streams[i]].applyTo(stream);
		wanted += (i ? " and " : "") + describe(stream);
	}

	const bool valid = config->validate() != libcamera::CameraConfiguration::Invalid;
	std::string possible;
	bool same = valid;
	for (size_t i = 0; valid && i < streams.size(); i++) {
		const libcamera::StreamConfiguration &stream = config->at(i);
		same = same && wanted_[streams[i]].isMetBy(stream);
		possible += (i ? " and " : "") + describe(stream);
	}
	if (!same)
		return Error{
			EINVAL,
			camera + " cannot deliver " + wanted +
				(valid ? "; the nearest that it can deliver is " + possible : "")};

	if (const int ret = camera_->configure(config.get()); ret < 0)
		return cameraError(camera_->id(), ret, camera + " refused " + possible);

	for (size_t i = 0; i < streams.size(); i++) {
		applied[streams[i]] = config->at(i);
		wanted_[streams[i]].format = config->at(i).pixelFormat;
		wanted_[streams[i]].size = config->at(i).size;
	}
	return applied;
}

} /* namespace cmacam */
