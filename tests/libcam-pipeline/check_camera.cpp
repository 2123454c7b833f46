/* SPDX-License-Identifier: MIT */
/*
 * The first camera, for programs that run inside the machine.
 */

#include "check_camera.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace {

/* An emulated machine may be slow; one that says nothing for so long is stuck. */
constexpr std::chrono::seconds kPatience{60};

} /* namespace */

CheckCamera::CheckCamera()
{
	must(!manager_.start() && !manager_.cameras().empty(), "no camera");
	camera_ = manager_.cameras().front();
	must(!camera_->acquire(), "the camera is busy");
	camera_->requestCompleted.connect(this, &CheckCamera::completed);
}

CheckCamera::~CheckCamera()
{
	stop();
	camera_->requestCompleted.disconnect(this);
	mappings_.clear();
	allocator_.reset();
	camera_->release();
	camera_.reset();
	manager_.stop();
}

void CheckCamera::configure(const std::vector<libcamera::StreamRole> &roles, const Tweak &tweak)
{
	config_ = camera_->generateConfiguration(roles);
	must(!!config_, "no configuration for these roles");
	if (tweak)
		tweak(*config_);
	must(config_->validate() == libcamera::CameraConfiguration::Valid, "adjusted or invalid");
	must(!camera_->configure(config_.get()), "cannot configure");
}

void CheckCamera::reacquire()
{
	mappings_.clear();
	allocator_.reset();
	must(!camera_->release() && !camera_->acquire(), "cannot be acquired again");
}

void CheckCamera::allocate()
{
	mappings_.clear();
	allocator_ = std::make_unique<libcamera::FrameBufferAllocator>(camera_);
	for (unsigned int i = 0; i < config_->size(); i++) {
		must(allocator_->allocate(stream(i)) > 0, "cannot allocate");
		for (const auto &buffer : buffers(i))
			map(i, *buffer);
	}
}

const std::vector<std::unique_ptr<libcamera::FrameBuffer>> &CheckCamera::buffers(unsigned int i)
{
	return allocator_->buffers(stream(i));
}

std::vector<std::unique_ptr<libcamera::Request>> CheckCamera::requests()
{
	std::vector<std::unique_ptr<libcamera::Request>> requests;
	std::size_t count = buffers(0).size();

	for (unsigned int i = 1; i < config_->size(); i++)
		count = std::min(count, buffers(i).size());
	for (std::size_t slot = 0; slot < count; slot++) {
		requests.push_back(camera_->createRequest());
		for (unsigned int i = 0; i < config_->size(); i++)
			must(!requests.back()->addBuffer(stream(i), buffers(i)[slot].get()),
			     "cannot add a buffer");
	}
	return requests;
}

void CheckCamera::map(unsigned int stream, const libcamera::FrameBuffer &buffer)
{
	auto layout = cmacam::layoutOf(config(stream), buffer);
	must(layout.has_value(), "no layout");
	auto mapping = cmacam::FrameMapping::map(*layout);
	must(mapping.has_value(), "cannot map");
	mappings_.emplace(&buffer, *std::move(mapping));
}

cmacam::MappedFrame CheckCamera::open(const libcamera::FrameBuffer &buffer) const
{
	auto frame = mappings_.at(&buffer).begin();
	must(frame.has_value(), "no access to a frame");
	return *std::move(frame);
}

cmacam_mark CheckCamera::mark(const libcamera::FrameBuffer &buffer) const
{
	const cmacam::MappedFrame frame = open(buffer);
	cmacam_mark mark;
	memcpy(&mark, frame.planes()[0].data.data(), sizeof(mark));
	must(mark.magic == CMACAM_MARK_MAGIC, "a frame without the board's mark");
	return mark;
}

double CheckCamera::meanLuma(const libcamera::FrameBuffer &buffer) const
{
	const cmacam::MappedFrame frame = open(buffer);
	const auto luma = frame.planes()[0].data;
	double sum = 0;
	for (const auto byte : luma)
		sum += std::to_integer<unsigned int>(byte);
	return sum / luma.size();
}

void CheckCamera::start(const libcamera::ControlList *controls)
{
	must(!camera_->start(controls), "cannot start");
	running_ = true;
}

void CheckCamera::stop()
{
	if (running_)
		camera_->stop();
	running_ = false;

	std::lock_guard lock(mutex_);
	done_.clear();
}

/* libcamera's thread. */
void CheckCamera::completed(libcamera::Request *request)
{
	std::lock_guard lock(mutex_);
	done_.push_back(request);
	wake_.notify_one();
}

libcamera::Request *CheckCamera::next()
{
	std::unique_lock lock(mutex_);
	must(wake_.wait_for(lock, kPatience, [this] { return !done_.empty(); }),
	     "no request completes");
	libcamera::Request *request = done_.front();
	done_.pop_front();
	return request;
}
