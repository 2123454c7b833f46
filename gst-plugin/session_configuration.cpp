/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: what its streams are configured for, and with which buffers.
 */
#include <cstring>
#include <utility>
#include <vector>

#include "driver_error.h"
#include "session.h"

namespace cmacam::gst {

bool CameraSession::isConfigured(StreamName which) const
{
	std::lock_guard lock(mutex_);
	return members_[which].phase == Phase::Configured;
}

bool CameraSession::isExpected(StreamName which) const
{
	return members_[which].phase == Phase::Expected && !lost_;
}

void CameraSession::awaitMain(StreamName which)
{
	std::unique_lock lock(mutex_);

	if (which != StreamName::Main)
		changed_.wait_for(lock, kSetupLimit, [&] {
			return members_[which].flushing || !isExpected(StreamName::Main);
		});
}

MaybeError CameraSession::configure(StreamName which, const StreamSettings &settings,
				    unsigned int extraBuffers)
{
	std::lock_guard setup(setup_);
	Member &member = members_[which];

	stopCamera();
	close(which);
	{
		std::lock_guard lock(mutex_);
		if (lost_)
			return lostError();
		member.settings = settings;
		member.extraBuffers = extraBuffers;
		member.phase = Phase::Configured;
		changed_.notify_all();
	}

	MaybeError error = configureMember(which);
	if (error) {
		/* The other one shall not suffer for it. */
		PerStream<libcamera::StreamConfiguration> applied;
		giveUp(which);
		if (MaybeError worse = applyConfiguration(applied))
			error = worse;
	}

	/* What flowed before flows on. */
	if (started(other(which)))
		if (MaybeError worse = startCamera(); worse && !error)
			error = worse;
	return error;
}

/* With the buffers of its own that it has now. */
MaybeError CameraSession::configureMember(StreamName which)
{
	PerStream<libcamera::StreamConfiguration> applied;
	MaybeError error = applyConfiguration(applied);
	if (error)
		return error;

	std::shared_ptr<StreamBuffers> buffers =
		StreamBuffers::allocate(camera_, applied[which], error);
	/* Of a camera that is gone the reason is not memory. */
	if (!buffers)
		return error->kind == Error::Kind::Lost ? lostError() : error;

	std::lock_guard lock(mutex_);
	members_[which].queue.open(std::move(buffers));
	return {};
}

/* Of all streams that are configured, @applied of those alone. */
MaybeError CameraSession::applyConfiguration(PerStream<libcamera::StreamConfiguration> &applied)
{
	std::vector<StreamName> names;
	std::vector<libcamera::StreamRole> roles;

	for (StreamName which : kStreamNames) {
		if (!isConfigured(which))
			continue;
		const Member &member = members_[which];
		names.push_back(which);
		roles.push_back(member.offer.roleOf(member.settings.format));
	}
	if (names.empty())
		return {};

	std::unique_ptr<libcamera::CameraConfiguration> config =
		camera_->generateConfiguration(roles);
	/* It had one for each of these roles when they were offered. */
	if (!config)
		return lostError();
	if (config->size() != roles.size())
		return Error{Error::Kind::Open,
			     "Camera '" + id() + "' has no configuration for all its streams",
			     "Camera::generateConfiguration()"};

	std::string wanted;
	for (size_t i = 0; i < names.size(); i++) {
		const Member &member = members_[names[i]];
		libcamera::StreamConfiguration &stream = config->at(i);
		stream.pixelFormat = member.settings.format;
		stream.size = member.settings.size;
		stream.bufferCount += member.extraBuffers;
		wanted += (i ? " and " : "") + stream.toString();
	}

	const bool valid = config->validate() != libcamera::CameraConfiguration::Invalid;
	std::string possible;
	bool same = valid;
	for (size_t i = 0; valid && i < names.size(); i++) {
		const StreamSettings &settings = members_[names[i]].settings;
		const libcamera::StreamConfiguration &stream = config->at(i);
		same = same && stream.pixelFormat == settings.format &&
		       stream.size == settings.size;
		possible += (i ? " and " : "") + stream.toString();
	}
	if (!same)
		return Error{Error::Kind::Settings,
			     "Camera '" + id() + "' cannot deliver " + wanted +
				     (valid ? "; the nearest it can is " + possible : ""),
			     "CameraConfiguration::validate()"};

	if (int ret = camera_->configure(config.get()); ret)
		return Error{kindOf(ret, Error::Kind::Settings),
			     "Camera '" + id() + "' refused " + possible + ": " +
				     driverError(id()).value_or(strerror(-ret)),
			     "Camera::configure() = " + describeErrno(ret)};

	for (size_t i = 0; i < names.size(); i++) {
		Member &member = members_[names[i]];
		const libcamera::StreamConfiguration &stream = config->at(i);
		/* It may be another of the camera's streams now, but one of the same kind. */
		if (member.queue.isOpen() && member.queue.buffers()->stride() != stream.stride)
			return Error{Error::Kind::Settings,
				     "Camera '" + id() + "' cannot go on with the buffers of " +
					     stream.toString(),
				     "the stride has changed"};
		member.stream = stream.stream();
		applied[names[i]] = stream;
	}
	return {};
}

std::shared_ptr<const StreamBuffers> CameraSession::buffers(StreamName which) const
{
	std::lock_guard lock(mutex_);
	return members_[which].queue.buffers();
}

void CameraSession::adopt(StreamName which, std::span<const int> fds)
{
	std::lock_guard setup(setup_);
	std::lock_guard lock(mutex_);
	StreamQueue &queue = members_[which].queue;
	std::shared_ptr<StreamBuffers> foreign = StreamBuffers::import(fds, *queue.buffers());

	dropBuffers(which);
	queue.open(std::move(foreign));
}

void CameraSession::release(StreamName which)
{
	std::lock_guard setup(setup_);
	const std::shared_ptr<const StreamBuffers> old = buffers(which);

	/* What is somebody else's must not be written to any more. */
	const bool stop = !isConfigured(other(which)) || (old && old->areForeign());
	if (stop)
		stopCamera();
	close(which);
	/* Should it fail, the other element learns of it. */
	if (stop && started(other(which)))
		startCamera();
}

/* Requests that are under way keep their buffers until they are back. */
void CameraSession::dropBuffers(StreamName which)
{
	for (Slot &slot : slots_)
		if (!slot.underWay)
			slot.parts[which] = {};
	members_[which].queue.close();
}

void CameraSession::close(StreamName which)
{
	std::lock_guard lock(mutex_);
	Member &member = members_[which];

	dropBuffers(which);
	member.started = false;
	member.refused = false;
	member.phase = Phase::Expected;
	changed_.notify_all();
}

void CameraSession::giveUp(StreamName which)
{
	std::lock_guard lock(mutex_);
	if (!members_[which].queue.isOpen())
		members_[which].phase = Phase::GivenUp;
	changed_.notify_all();
}

} /* namespace cmacam::gst */
