/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * StreamBuffers: the buffers of one stream for one configuration.
 */
#include "stream_buffers.h"

#include <cstring>
#include <string>
#include <utility>

#include "driver_error.h"
#include "formats.h"

namespace cmacam::gst {

StreamBuffers::StreamBuffers(std::shared_ptr<libcamera::Camera> camera)
	: camera_(std::move(camera)), allocator_(camera_)
{
}

std::shared_ptr<StreamBuffers>
StreamBuffers::allocate(const std::shared_ptr<libcamera::Camera> &camera,
			const libcamera::StreamConfiguration &config, MaybeError &error)
{
	std::shared_ptr<StreamBuffers> self(new StreamBuffers(camera));
	const std::string &id = camera->id();

	if (int ret = self->allocator_.allocate(config.stream()); ret < 0) {
		error = Error{kindOf(ret, Error::Kind::Open),
			      driverError(id).value_or(
				      "No memory for the frames of camera '" + id +
				      "': " + strerror(-ret) +
				      "; a smaller size, or a larger cma= boot parameter, helps"),
			      "FrameBufferAllocator::allocate() = " + describeErrno(ret)};
		return nullptr;
	}

	for (const auto &buffer : self->allocator_.buffers(config.stream()))
		self->buffers_.push_back(buffer.get());

	const Format *format = findFormat(config.pixelFormat);
	const auto planes = self->buffers_.front()->planes();
	for (const libcamera::FrameBuffer::Plane &plane : planes) {
		if (plane.fd != planes.front().fd) {
			error = Error{Error::Kind::Settings,
				      "Camera '" + id +
					      "' puts the planes of a frame into separate "
					      "buffers, which cmacam never does",
				      "FrameBuffer::planes()"};
			return nullptr;
		}
		const size_t index = self->planes_.size();
		self->planes_.push_back(
			{plane.offset, plane.length,
			 format ? planeStride(*format, index, config.stride) : config.stride});
	}

	return self;
}

std::shared_ptr<StreamBuffers> StreamBuffers::import(std::span<const int> fds,
						     const StreamBuffers &model)
{
	std::shared_ptr<StreamBuffers> self(new StreamBuffers(model.camera_));

	self->planes_ = model.planes_;
	for (int fd : fds) {
		const libcamera::SharedFD shared(fd);
		std::vector<libcamera::FrameBuffer::Plane> planes;

		for (const PlaneLayout &plane : self->planes_)
			planes.push_back({shared, static_cast<unsigned int>(plane.offset),
					  static_cast<unsigned int>(plane.length)});
		self->imported_.push_back(std::make_unique<libcamera::FrameBuffer>(planes));
		self->buffers_.push_back(self->imported_.back().get());
	}
	return self;
}

std::vector<int> StreamBuffers::fds() const
{
	std::vector<int> fds;

	fds.reserve(buffers_.size());
	for (const libcamera::FrameBuffer *buffer : buffers_)
		fds.push_back(buffer->planes().front().fd.get());

	return fds;
}

} /* namespace cmacam::gst */
