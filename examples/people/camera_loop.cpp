/* SPDX-License-Identifier: MIT */
/*
 * A libcamera capture loop that hands out frames one at a time.
 */

#include "camera_loop.h"

#include <cerrno>
#include <chrono>
#include <cstring>

#include <cmacam/libcamera.h>

using cmacam::Error;
using cmacam::Result;

namespace {

constexpr std::chrono::seconds kNewsLimit{2};

Error failed(const std::string &what, int ret)
{
	return {-ret, what + ": " + std::strerror(-ret)};
}

} /* namespace */

Result<std::unique_ptr<CameraLoop>> CameraLoop::open(const CameraOptions &options)
{
	std::unique_ptr<CameraLoop> loop(new CameraLoop);

	if (Result<void> result = loop->acquire(options.id); !result)
		return result.error();
	if (Result<void> result = loop->configure(options); !result)
		return result.error();
	if (Result<void> result = loop->prepareRequests(); !result)
		return result.error();

	return loop;
}

CameraLoop::~CameraLoop()
{
	if (!camera_)
		return;

	/*
	 * In this order: requests and buffers must be gone before the camera is,
	 * and must not go while it runs, as it does if the frame function threw.
	 */
	camera_->stop();
	camera_->requestCompleted.disconnect(this);
	camera_->disconnected.disconnect(this);
	requests_.clear();
	mappings_.clear();
	allocator_.reset();
	config_.reset();
	camera_->release();
	camera_.reset();
	manager_.stop();
}

Result<void> CameraLoop::acquire(const std::string &id)
{
	if (int ret = manager_.start(); ret)
		return failed("cannot start libcamera", ret);

	const auto cameras = manager_.cameras();
	std::shared_ptr<libcamera::Camera> camera;
	if (!id.empty())
		camera = manager_.get(id);
	else if (!cameras.empty())
		camera = cameras.front();

	if (!camera)
		return Error{ENODEV, id.empty() ? std::string("there is no camera")
						: "there is no camera '" + id + "'"};

	if (int ret = camera->acquire(); ret)
		return failed("camera '" + camera->id() + "' cannot be had", ret);

	camera_ = std::move(camera);
	camera_->requestCompleted.connect(this, &CameraLoop::completed);
	camera_->disconnected.connect(this, &CameraLoop::disconnected);

	return {};
}

Result<void> CameraLoop::configure(const CameraOptions &options)
{
	config_ = camera_->generateConfiguration({libcamera::StreamRole::Viewfinder});
	if (!config_ || config_->empty())
		return Error{EINVAL, "the camera has no viewfinder stream"};

	libcamera::StreamConfiguration &stream = config_->at(0);
	if (!options.format.empty()) {
		stream.pixelFormat = libcamera::PixelFormat::fromString(options.format);
		/* That of the default format need not fit this one. */
		stream.colorSpace.reset();
	}
	if (options.width && options.height)
		stream.size = {options.width, options.height};

	const std::string wanted = stream.toString();
	if (config_->validate() != libcamera::CameraConfiguration::Valid)
		return Error{EINVAL, "the camera does not do " + wanted + ", the nearest is " +
					     stream.toString()};

	if (int ret = camera_->configure(config_.get()); ret)
		return failed("cannot configure " + wanted, ret);

	return {};
}

Result<void> CameraLoop::prepareRequests()
{
	libcamera::Stream *stream = config_->at(0).stream();

	allocator_ = std::make_unique<libcamera::FrameBufferAllocator>(camera_);
	if (int ret = allocator_->allocate(stream); ret < 0)
		return failed("cannot allocate buffers", ret);

	for (const auto &buffer : allocator_->buffers(stream)) {
		Result<cmacam::FrameLayout> layout = cmacam::layoutOf(config_->at(0), *buffer);
		if (!layout)
			return layout.error();

		Result<cmacam::FrameMapping> mapping = cmacam::FrameMapping::map(*layout);
		if (!mapping)
			return mapping.error();
		mappings_.emplace(buffer.get(), *std::move(mapping));

		std::unique_ptr<libcamera::Request> request = camera_->createRequest();
		if (!request)
			return Error{ENOMEM, "cannot create a request"};
		if (int ret = request->addBuffer(stream, buffer.get()); ret)
			return failed("cannot add a buffer to a request", ret);
		requests_.push_back(std::move(request));
	}

	return {};
}

Result<void> CameraLoop::run(const FrameFunction &function)
{
	if (int ret = camera_->start(); ret)
		return failed("cannot start the camera", ret);

	Result<void> result = processRequests(function);
	camera_->stop();

	return result;
}

Result<void> CameraLoop::processRequests(const FrameFunction &function)
{
	for (const auto &request : requests_) {
		if (int ret = camera_->queueRequest(request.get()); ret)
			return failed("cannot queue a request", ret);
	}

	while (true) {
		libcamera::Request *request;
		{
			std::unique_lock lock(mutex_);
			wake_.wait(lock, [this] { return !completed_.empty() || disconnected_; });
			if (completed_.empty())
				return Error{ENODEV, "the camera was unplugged"};

			request = completed_.front();
			completed_.pop_front();
		}

		if (request->status() == libcamera::Request::RequestCancelled)
			return cancelled();

		const libcamera::FrameBuffer *buffer = request->buffers().begin()->second;
		const libcamera::FrameMetadata &metadata = buffer->metadata();
		const auto timestamp =
			request->metadata().get(libcamera::controls::SensorTimestamp);

		if (metadata.status == libcamera::FrameMetadata::FrameSuccess) {
			Result<bool> more = function({
				metadata.sequence,
				timestamp.value_or(static_cast<std::int64_t>(metadata.timestamp)),
				mappings_.at(buffer),
			});
			if (!more)
				return more.error();
			if (!*more)
				return {};
		}

		request->reuse(libcamera::Request::ReuseBuffers);
		if (int ret = camera_->queueRequest(request); ret)
			return failed("cannot queue a request", ret);
	}
}

/* Requests are cancelled first, then comes the news that the camera has gone. */
Error CameraLoop::cancelled()
{
	std::unique_lock lock(mutex_);
	if (wake_.wait_for(lock, kNewsLimit, [this] { return disconnected_; }))
		return {ENODEV, "the camera was unplugged"};

	return {EIO, "the camera cancelled a request"};
}

void CameraLoop::completed(libcamera::Request *request)
{
	std::lock_guard lock(mutex_);
	completed_.push_back(request);
	wake_.notify_one();
}

void CameraLoop::disconnected()
{
	std::lock_guard lock(mutex_);
	disconnected_ = true;
	wake_.notify_one();
}
