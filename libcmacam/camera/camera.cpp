/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A camera of libcamera, which hands out frames.
 */

#include <cmacam/camera.h>

#include <cerrno>
#include <utility>

#include "camera_source.h"
#include "manager.h"

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
	auto source = std::make_shared<Source>();
	if (Result<void> result = source->open(options); !result)
		return result.error();

	return Camera(std::move(source));
}

Camera::Camera(std::shared_ptr<Source> source) : source_(std::move(source))
{
}
Camera::Camera(Camera &&) noexcept = default;

Camera &Camera::operator=(Camera &&other) noexcept
{
	if (this != &other) {
		if (source_)
			source_->close();
		source_ = std::move(other.source_);
	}

	return *this;
}

Camera::~Camera()
{
	if (source_)
		source_->close();
}

void Camera::close()
{
	source_->close();
}

const std::string &Camera::id() const
{
	return source_->id();
}

Result<FrameLayout> Camera::layout(Stream stream) const
{
	const FrameLayout *layout = source_->layout(stream);
	if (!layout)
		return Error{ENOENT, "the camera was opened without this stream"};

	return *layout;
}

unsigned int Camera::buffers() const
{
	return source_->buffers();
}

Result<void> Camera::start()
{
	return source_->start();
}

Result<void> Camera::start(FrameFunction function)
{
	return source_->start(std::move(function));
}

Result<void> Camera::stop()
{
	return source_->stop();
}

Result<Frame> Camera::next(std::chrono::milliseconds timeout)
{
	return source_->next(timeout);
}

Result<Frame> Camera::capture(std::chrono::milliseconds timeout)
{
	return source_->capture(timeout);
}

Result<int> Camera::fd()
{
	return source_->fd();
}

Result<void> Camera::set(std::string_view name, const ControlValue &value)
{
	const NamedValue control{std::string(name), value};
	return source_->set({&control, 1});
}

Result<void> Camera::set(std::span<const NamedValue> controls)
{
	return source_->set(controls);
}

Result<void> Camera::bracket(std::span<const std::vector<NamedValue>> sets)
{
	return source_->bracket(sets);
}

std::vector<ControlRange> Camera::controls() const
{
	return source_->controls();
}

CameraStatistics Camera::statistics() const
{
	return source_->statistics();
}

std::vector<Holder> Camera::holders() const
{
	return source_->holders();
}

} /* namespace cmacam */
