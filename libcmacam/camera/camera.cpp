/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A camera of libcamera, which hands out frames.
 */

#include <cmacam/camera.h>

#include <cerrno>

#include "manager.h"
#include "session.h"

namespace cmacam {

Result<std::vector<std::string>> Camera::list()
{
	auto manager = sharedManager();
	if (!manager)
		return manager.error();

	std::vector<std::string> ids;
	for (const auto &camera : (*manager)->cameras())
		ids.push_back(camera->id());

	return ids;
}

Result<Camera> Camera::open(const CameraOptions &options)
{
	auto session = std::make_shared<Session>();
	if (Result<void> result = session->open(options); !result)
		return result.error();

	return Camera(std::move(session));
}

Camera::Camera(std::shared_ptr<Session> session) : session_(std::move(session))
{
}
Camera::Camera(Camera &&) noexcept = default;

Camera &Camera::operator=(Camera &&other) noexcept
{
	if (this != &other) {
		if (session_)
			session_->close();
		session_ = std::move(other.session_);
	}

	return *this;
}

Camera::~Camera()
{
	if (session_)
		session_->close();
}

const std::string &Camera::id() const
{
	return session_->id();
}

Result<FrameLayout> Camera::layout(Stream stream) const
{
	const FrameLayout *layout = session_->layout(stream);
	if (!layout)
		return Error{ENOENT, "the camera was opened without this stream"};

	return *layout;
}

unsigned int Camera::buffers() const
{
	return session_->buffers();
}

Result<void> Camera::start()
{
	return session_->start();
}

Result<void> Camera::stop()
{
	return session_->stop();
}

Result<Frame> Camera::next(std::chrono::milliseconds timeout)
{
	return session_->next(timeout);
}

Result<void> Camera::set(std::string_view name, const ControlValue &value)
{
	return session_->set(name, value);
}

std::vector<ControlRange> Camera::controls() const
{
	return session_->controls();
}

CameraStatistics Camera::statistics() const
{
	return session_->statistics();
}

std::vector<Holder> Camera::holders() const
{
	return session_->leases.holders();
}

} /* namespace cmacam */
