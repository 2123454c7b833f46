/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamBuffers: the buffers of one stream for one configuration.
 */
#include "stream_buffers.h"

#include <string>
#include <utility>

#include <cmacam/libcamera.h>

#include "device_access.h"
#include "errors.h"

namespace cmacam {

StreamBuffers::StreamBuffers(std::shared_ptr<libcamera::Camera> camera)
	: camera_(std::move(camera)), allocator_(camera_)
{
}

Result<std::shared_ptr<StreamBuffers>>
StreamBuffers::allocate(const std::shared_ptr<libcamera::Camera> &camera,
			const libcamera::StreamConfiguration &config)
{
	std::shared_ptr<StreamBuffers> self(new StreamBuffers(camera));

	const int ret = self->allocator_.allocate(config.stream());
	/* libcamera says EINVAL, and has closed those that it could open. */
	if (ret < 0 && lastError(camera->id()).empty() && !canOpenFiles(config.bufferCount))
		return tooManyFiles("Camera '" + camera->id() + "'", config.bufferCount);
	if (ret < 0)
		return cameraError(camera->id(), ret,
				   "No memory for " + std::to_string(config.bufferCount) +
					   " frames of camera '" + camera->id() + "', " +
					   std::to_string(config.frameSize) + " bytes each");

	for (const auto &buffer : self->allocator_.buffers(config.stream()))
		self->buffers_.push_back(buffer.get());

	Result<FrameLayout> layout = layoutOf(config, *self->buffers_.front());
	if (!layout)
		return layout.error();
	for (PlaneLayout &plane : layout->planes) {
		self->inOnePiece_ = self->inOnePiece_ && plane.fd == layout->planes.front().fd;
	}
	for (PlaneLayout &plane : layout->planes)
		plane.fd = -1;
	self->layout_ = *std::move(layout);

	return self;
}

std::shared_ptr<StreamBuffers> StreamBuffers::import(std::span<const int> fds,
						     const StreamBuffers &model)
{
	std::shared_ptr<StreamBuffers> self(new StreamBuffers(model.camera_));

	self->layout_ = model.layout_;
	for (int fd : fds) {
		const libcamera::SharedFD shared(fd);
		std::vector<libcamera::FrameBuffer::Plane> planes;

		for (const PlaneLayout &plane : self->layout_.planes)
			planes.push_back({shared, static_cast<unsigned int>(plane.offset),
					  static_cast<unsigned int>(plane.length)});
		self->imported_.push_back(std::make_unique<libcamera::FrameBuffer>(planes));
		self->buffers_.push_back(self->imported_.back().get());
	}
	return self;
}

FrameLayout StreamBuffers::layout(size_t buffer) const
{
	FrameLayout layout = layout_;

	for (size_t i = 0; i < layout.planes.size(); i++)
		layout.planes[i].fd = buffers_[buffer]->planes()[i].fd.get();
	return layout;
}

std::vector<int> StreamBuffers::fds() const
{
	std::vector<int> fds;

	fds.reserve(buffers_.size());
	for (const libcamera::FrameBuffer *buffer : buffers_)
		fds.push_back(buffer->planes().front().fd.get());

	return fds;
}

} /* namespace cmacam */
