/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera with its buffers, requests and completed
 * frames.
 */
#include "session.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <libcamera/control_ids.h>
#include <libcamera/controls.h>
#include <libcamera/framebuffer.h>

#include "driver_error.h"
#include "manager.h"

using namespace std::chrono_literals;

namespace cmacam::gst {

namespace {

std::string describe(int ret)
{
	return std::string(strerror(-ret)) + " (" + std::to_string(ret) + ")";
}

std::shared_ptr<libcamera::Camera> findCamera(const libcamera::CameraManager &manager,
					      const std::string &name,
					      const libcamera::Camera *gone, MaybeError &error)
{
	std::string known;

	for (const std::shared_ptr<libcamera::Camera> &camera : manager.cameras()) {
		if (camera.get() == gone)
			continue;
		if (name.empty() ? isCmacam(*camera) : camera->id() == name)
			return camera;

		known += (known.empty() ? "'" : ", '") + camera->id() + "'";
	}

	if (name.empty())
		error = Error{Error::Kind::NotFound,
			      "No cmacam camera found: no board is plugged in, or the module "
			      "cmacam is not loaded",
			      "cameras libcamera knows: " + (known.empty() ? "none" : known)};
	else
		error = Error{Error::Kind::NotFound,
			      "No camera is named '" + name + "'; there " +
				      (known.empty() ? "is none at all" : "is " + known),
			      "CameraManager::cameras()"};

	return nullptr;
}

} /* namespace */

/* The handler names its cameras after the sensor's platform device. */
bool isCmacam(const libcamera::Camera &camera)
{
	return camera.id().find("cmacam") != std::string::npos;
}

CameraOffer readOffer(libcamera::Camera &camera)
{
	CameraOffer offer;

	/* The first role decides what an unconstrained consumer gets. */
	static constexpr std::array roles = {libcamera::StreamRole::Viewfinder,
					     libcamera::StreamRole::Raw};

	for (libcamera::StreamRole role : roles) {
		const std::array request = {role};
		std::unique_ptr<libcamera::CameraConfiguration> config =
			camera.generateConfiguration(request);
		if (!config || config->empty())
			continue;

		libcamera::StreamConfiguration &stream = config->at(0);
		if (offer.formats.empty()) {
			offer.defaultFormat = stream.pixelFormat;
			offer.defaultSize = stream.size;
		}

		const libcamera::StreamFormats formats = stream.formats();

		for (const libcamera::PixelFormat &format : formats.pixelformats()) {
			const bool known = std::any_of(
				offer.formats.begin(), offer.formats.end(),
				[&](const FormatOffer &o) { return o.format == format; });
			if (known)
				continue;

			/* The colours of a format are known once it is validated. */
			stream.pixelFormat = format;
			stream.colorSpace.reset();
			config->validate();
			offer.formats.push_back(
				{format, formats.range(format), role, stream.colorSpace});
		}
	}

	const auto limits = camera.controls().find(&libcamera::controls::FrameDurationLimits);
	if (limits != camera.controls().end()) {
		offer.minDuration = std::chrono::microseconds(limits->second.min().get<int64_t>());
		offer.maxDuration = std::chrono::microseconds(limits->second.max().get<int64_t>());
	}

	return offer;
}

std::shared_ptr<CameraSession> CameraSession::open(const std::string &name, MaybeError &error,
						   const libcamera::Camera *gone)
{
	std::shared_ptr<libcamera::CameraManager> manager = sharedCameraManager(error);
	if (!manager)
		return nullptr;

	std::shared_ptr<libcamera::Camera> camera = findCamera(*manager, name, gone, error);
	if (!camera)
		return nullptr;

	if (int ret = camera->acquire(); ret) {
		if (ret == -EBUSY)
			error = Error{Error::Kind::Busy,
				      "Camera '" + camera->id() +
					      "' is in use by another application or element",
				      "Camera::acquire() = " + describe(ret)};
		else
			error = Error{ret == -ENODEV ? Error::Kind::Lost : Error::Kind::Open,
				      "Camera '" + camera->id() +
					      "' could not be opened: " + strerror(-ret),
				      "Camera::acquire() = " + describe(ret)};
		return nullptr;
	}

	return std::shared_ptr<CameraSession>(
		new CameraSession(std::move(manager), std::move(camera)));
}

CameraSession::CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
			     std::shared_ptr<libcamera::Camera> camera)
	: manager_(std::move(manager)),
	  camera_(std::move(camera)),
	  id_(camera_->id()),
	  offer_(readOffer(*camera_)),
	  allocator_(camera_),
	  controls_(libcamera::controls::controls)
{
	camera_->requestCompleted.connect(this, &CameraSession::requestCompleted);
	camera_->disconnected.connect(this, &CameraSession::cameraDisconnected);
}

CameraSession::~CameraSession()
{
	stop();
	camera_->disconnected.disconnect(this);
	camera_->requestCompleted.disconnect(this);
	freeBuffers();
	camera_->release();
}

/* In this order: a request that goes unfinished still cancels its buffer. */
void CameraSession::freeBuffers()
{
	requests_.clear();
	buffers_.clear();
	planes_.clear();
	if (stream_)
		allocator_.free(std::exchange(stream_, nullptr));
}

bool CameraSession::lost() const
{
	std::lock_guard lock(mutex_);
	return lost_;
}

Error CameraSession::lostError() const
{
	return {Error::Kind::Lost,
		"Camera '" + id_ + "' is gone: it was unplugged, or its driver gave up",
		"camera disconnected, or requests cancelled while streaming"};
}

MaybeError CameraSession::configure(const StreamSettings &settings, unsigned int extraBuffers)
{
	stop();
	freeBuffers();
	if (lost())
		return lostError();

	const auto offer =
		std::find_if(offer_.formats.begin(), offer_.formats.end(),
			     [&](const FormatOffer &o) { return o.format == settings.format; });
	const std::array role = {offer != offer_.formats.end() ? offer->role
							       : libcamera::StreamRole::Viewfinder};
	std::unique_ptr<libcamera::CameraConfiguration> config =
		camera_->generateConfiguration(role);
	if (!config || config->empty())
		return Error{Error::Kind::Open, "Camera '" + id_ + "' has no configuration",
			     "Camera::generateConfiguration()"};

	libcamera::StreamConfiguration &stream = config->at(0);
	stream.pixelFormat = settings.format;
	stream.size = settings.size;
	stream.bufferCount += extraBuffers;

	const std::string wanted = stream.toString();
	const bool valid = config->validate() != libcamera::CameraConfiguration::Invalid;
	if (!valid || stream.pixelFormat != settings.format || stream.size != settings.size)
		return Error{Error::Kind::Settings,
			     "Camera '" + id_ + "' cannot deliver " + wanted +
				     (valid ? "; the nearest it can is " + stream.toString() : ""),
			     "CameraConfiguration::validate()"};

	if (int ret = camera_->configure(config.get()); ret)
		return Error{Error::Kind::Settings,
			     "Camera '" + id_ + "' refused " + stream.toString() + ": " +
				     driverError(id_).value_or(strerror(-ret)),
			     "Camera::configure() = " + describe(ret)};

	settings_ = settings;
	return allocate(stream.stream(), stream.stride);
}

MaybeError CameraSession::allocate(libcamera::Stream *stream, unsigned int stride)
{
	if (int ret = allocator_.allocate(stream); ret < 0)
		return Error{ret == -ENOMEM ? Error::Kind::NoSpace : Error::Kind::Open,
			     driverError(id_).value_or(
				     "No memory for the frames of camera '" + id_ +
				     "': " + strerror(-ret) +
				     "; a smaller size, or a larger cma= boot parameter, helps"),
			     "FrameBufferAllocator::allocate() = " + describe(ret)};

	stream_ = stream;
	for (const std::unique_ptr<libcamera::FrameBuffer> &buffer : allocator_.buffers(stream))
		buffers_.push_back(buffer.get());

	for (const libcamera::FrameBuffer::Plane &plane : buffers_.front()->planes()) {
		if (plane.fd != buffers_.front()->planes().front().fd)
			return Error{Error::Kind::Settings,
				     "Camera '" + id_ +
					     "' puts the planes of a frame into "
					     "separate buffers, which cmacam never does",
				     "FrameBuffer::planes()"};

		planes_.push_back({plane.offset, plane.length, stride});
	}

	return {};
}

std::vector<int> CameraSession::bufferFds() const
{
	std::vector<int> fds;

	fds.reserve(buffers_.size());
	for (const libcamera::FrameBuffer *buffer : buffers_)
		fds.push_back(buffer->planes().front().fd.get());

	return fds;
}

MaybeError CameraSession::start(const libcamera::ControlList &wanted)
{
	if (lost())
		return lostError();

	requests_.clear();
	for (size_t i = 0; i < buffers_.size(); i++) {
		std::unique_ptr<libcamera::Request> request = camera_->createRequest(i);
		if (!request || request->addBuffer(stream_, buffers_[i]) < 0)
			return Error{Error::Kind::Open, "Camera '" + id_ + "' accepts no request",
				     "Camera::createRequest()"};
		requests_.push_back(std::move(request));
	}

	libcamera::ControlList controls(camera_->controls());
	controls.merge(wanted);
	if (settings_.frameDuration != 0us && offer_.maxDuration != 0us) {
		const int64_t duration =
			std::clamp(settings_.frameDuration, offer_.minDuration, offer_.maxDuration)
				.count();
		const std::array limits = {duration, duration};
		controls.set(libcamera::controls::FrameDurationLimits,
			     libcamera::Span<const int64_t, 2>(limits));
	}

	if (int ret = camera_->start(&controls); ret)
		return Error{ret == -ENODEV   ? Error::Kind::Lost
			     : ret == -ENOMEM ? Error::Kind::NoSpace
					      : Error::Kind::Open,
			     "Camera '" + id_ + "' did not start: " +
				     driverError(id_).value_or(strerror(-ret)),
			     "Camera::start() = " + describe(ret)};

	std::lock_guard lock(mutex_);
	streaming_ = true;
	controls_.clear();
	nextSequence_ = 0;
	resync_ = false;
	for (size_t i = 0; i < requests_.size(); i++)
		queueLocked(i);

	return {};
}

void CameraSession::stop()
{
	{
		std::lock_guard lock(mutex_);
		if (!streaming_)
			return;
		streaming_ = false;
		completed_.clear();
	}

	camera_->stop();

	/*
	 * stop() has completed all requests, except where the camera is gone:
	 * then it does nothing, and the handler cancels them on libcamera's
	 * thread. They must not be destroyed before. The limit is for a
	 * handler that forgets one.
	 */
	std::unique_lock lock(mutex_);
	changed_.wait_for(lock, 1s, [this] { return inFlight_ == 0; });
	inFlight_ = 0;
	requests_.clear();
}

bool CameraSession::streaming() const
{
	std::lock_guard lock(mutex_);
	return streaming_;
}

CameraSession::Wait CameraSession::waitFrame(CompletedFrame &frame)
{
	std::unique_lock lock(mutex_);
	changed_.wait(lock, [this] { return flushing_ || lost_ || !completed_.empty(); });

	if (flushing_)
		return Wait::Flushing;
	if (completed_.empty())
		return Wait::Lost;

	frame = completed_.front();
	completed_.pop_front();
	return Wait::Frame;
}

void CameraSession::queue(size_t buffer)
{
	std::lock_guard lock(mutex_);
	queueLocked(buffer);
}

/*
 * The lock is held across queueRequest(), which only posts a message to
 * libcamera's thread, so that no request can slip in behind the stop() that
 * has just cleared streaming_.
 */
void CameraSession::queueLocked(size_t buffer)
{
	if (!streaming_ || lost_)
		return;

	libcamera::Request *request = requests_[buffer].get();
	if (request->status() != libcamera::Request::RequestPending)
		request->reuse(libcamera::Request::ReuseBuffers);
	if (!controls_.empty()) {
		request->controls().merge(controls_);
		controls_.clear();
	}

	inFlight_++;
	if (camera_->queueRequest(request) < 0) {
		inFlight_--;
		lost_ = true;
		changed_.notify_all();
	}
}

const libcamera::ControlList &CameraSession::metadata(size_t buffer) const
{
	return requests_[buffer]->metadata();
}

void CameraSession::setControls(const libcamera::ControlList &controls)
{
	std::lock_guard lock(mutex_);

	for (const auto &[id, value] : controls) {
		/* The caps have promised a frame rate. */
		if (id == libcamera::controls::FRAME_DURATION_LIMITS &&
		    settings_.frameDuration != 0us)
			continue;
		controls_.set(id, value);
	}
}

void CameraSession::setFlushing(bool flushing)
{
	std::lock_guard lock(mutex_);
	flushing_ = flushing;
	changed_.notify_all();
}

void CameraSession::setPaused(bool paused)
{
	std::lock_guard lock(mutex_);
	if (paused == std::exchange(paused_, paused))
		return;

	resync_ = true;
	for (const CompletedFrame &frame : std::exchange(completed_, {}))
		queueLocked(frame.buffer);
}

/* Runs on libcamera's thread. */
void CameraSession::requestCompleted(libcamera::Request *request)
{
	std::unique_lock lock(mutex_);
	inFlight_--;

	const libcamera::FrameBuffer *buffer = request->buffers().begin()->second;
	const libcamera::FrameMetadata &meta = buffer->metadata();

	if (request->status() == libcamera::Request::RequestCancelled ||
	    meta.status == libcamera::FrameMetadata::FrameCancelled) {
		/* Nobody but stop() cancels a camera that still works. */
		lost_ = lost_ || streaming_;
		changed_.notify_all();
		return;
	}

	if (paused_ || !streaming_) {
		queueLocked(request->cookie());
		return;
	}

	const auto timestamp = request->metadata().get(libcamera::controls::SensorTimestamp);
	const auto wall = request->metadata().get(libcamera::controls::FrameWallClock);
	const auto duration = request->metadata().get(libcamera::controls::FrameDuration);
	const bool resync = std::exchange(resync_, false);
	const uint32_t missing = meta.sequence - std::exchange(nextSequence_, meta.sequence + 1);

	completed_.push_back({
		.buffer = request->cookie(),
		.sequence = meta.sequence,
		.lost = resync ? 0 : missing,
		.discontinuous = resync || missing != 0,
		.corrupted = meta.status == libcamera::FrameMetadata::FrameError,
		.timestamp = static_cast<uint64_t>(timestamp.value_or(meta.timestamp)),
		.wallClock = static_cast<uint64_t>(wall.value_or(0)),
		.duration = static_cast<uint64_t>(duration.value_or(0)) * 1000,
	});
	/*
	 * Whom this wakes need not wait for the lock again. The session is still
	 * there: stop() returns after libcamera's thread has left this function.
	 */
	lock.unlock();
	changed_.notify_all();
}

/* Runs on libcamera's thread. */
void CameraSession::cameraDisconnected()
{
	std::lock_guard lock(mutex_);
	lost_ = true;
	changed_.notify_all();
}

} /* namespace cmacam::gst */
