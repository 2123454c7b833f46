/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera with its buffers, requests and completed
 * frames. It knows libcamera and nothing of GStreamer.
 */
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <libcamera/camera.h>
#include <libcamera/camera_manager.h>
#include <libcamera/color_space.h>
#include <libcamera/framebuffer_allocator.h>
#include <libcamera/geometry.h>
#include <libcamera/pixel_format.h>
#include <libcamera/request.h>
#include <libcamera/stream.h>

#include "error.h"

namespace cmacam::gst {

/* One format the camera offers, and the stream role that offers it. */
struct FormatOffer
{
	libcamera::PixelFormat format;
	libcamera::SizeRange sizes;
	libcamera::StreamRole role;
	/* Unset where the camera does not say. */
	std::optional<libcamera::ColorSpace> colorSpace;
};

struct CameraOffer
{
	std::vector<FormatOffer> formats;
	libcamera::PixelFormat defaultFormat;
	libcamera::Size defaultSize;
	/* Shortest and longest frame; zero where the camera does not say. */
	std::chrono::microseconds minDuration{};
	std::chrono::microseconds maxDuration{};
};

struct StreamSettings
{
	libcamera::PixelFormat format;
	libcamera::Size size;
	/* Zero leaves the frame rate to the camera. */
	std::chrono::microseconds frameDuration{};

	bool operator==(const StreamSettings &) const = default;
};

/* One plane of a frame, within the frame's single dma-buf. */
struct PlaneLayout
{
	size_t offset;
	size_t length;
	unsigned int stride;
};

struct CompletedFrame
{
	/* Which buffer; goes back with CameraSession::queue(). */
	size_t buffer;
	uint32_t sequence;
	/* Frames missing since the one before, by sequence number. */
	uint32_t lost;
	/* The frame does not follow the one before; lost may be 0 (pause). */
	bool discontinuous;
	bool corrupted;
	/* Start of exposure on CLOCK_MONOTONIC, ns. */
	uint64_t timestamp;
	/* The same instant on CLOCK_REALTIME, ns; zero where the camera does not say. */
	uint64_t wallClock;
	/* ns; zero where the camera does not say. */
	uint64_t duration;
};

/** What @camera can deliver, whoever has acquired it. */
CameraOffer readOffer(libcamera::Camera &camera);
/** Whether @camera is one of ours. */
bool isCmacam(const libcamera::Camera &camera);

/*
 * All functions may be called from any thread. configure(), allocate(),
 * start() and stop() must not run concurrently with each other.
 */
class CameraSession
{
public:
	enum class Wait {
		Frame,
		Flushing,
		Lost,
	};

	/**
	 * Acquires camera @name, or the first cmacam camera if it is empty, but
	 * not @gone, which libcamera may still list after it was unplugged.
	 * Returns nullptr and fills @error (NotFound, Busy, Lost, Open) on failure.
	 */
	static std::shared_ptr<CameraSession> open(const std::string &name, MaybeError &error,
						   const libcamera::Camera *gone = nullptr);
	~CameraSession();

	const std::string &id() const { return id_; }
	std::shared_ptr<libcamera::Camera> camera() const { return camera_; }
	const CameraOffer &offer() const { return offer_; }
	/* What the camera can be told per frame, with its limits. */
	const libcamera::ControlInfoMap &controls() const { return camera_->controls(); }
	std::shared_ptr<libcamera::CameraManager> manager() const { return manager_; }

	/**
	 * Configures the stream and allocates its buffers: as many as the
	 * camera needs and @extraBuffers more, as far as it agrees. Buffers of
	 * an earlier configuration are given up; mapped or exported ones live
	 * on with whoever holds their file descriptor.
	 * Errors: Settings, NoSpace, Lost, Open.
	 */
	MaybeError configure(const StreamSettings &settings, unsigned int extraBuffers);

	/* Of the present configuration. */
	size_t bufferCount() const { return buffers_.size(); }
	/* The dma-bufs; they stay open until the next configure(). */
	std::vector<int> bufferFds() const;
	const std::vector<PlaneLayout> &planes() const { return planes_; }

	/**
	 * Starts streaming with @controls in force from the first frame on and
	 * every buffer queued. Where the settings fix a frame duration, it
	 * overrides FrameDurationLimits. Errors: Lost, NoSpace, Open.
	 */
	MaybeError start(const libcamera::ControlList &controls);
	void stop();
	bool streaming() const;

	/** Blocks until a frame, setFlushing(true) or the loss of the camera. */
	Wait waitFrame(CompletedFrame &frame);
	/** What the frame in a completed @buffer was taken with; until it is queued. */
	const libcamera::ControlList &metadata(size_t buffer) const;
	/** Go with the next buffer that is queued. */
	void setControls(const libcamera::ControlList &controls);
	/** Gives a buffer back to the camera; ignored once stopped. */
	void queue(size_t buffer);

	void setFlushing(bool flushing);
	/** While paused the camera runs on and its frames are recycled unseen. */
	void setPaused(bool paused);

	/** What to tell the user once the camera is gone. */
	Error lostError() const;

private:
	CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
		      std::shared_ptr<libcamera::Camera> camera);
	CameraSession(const CameraSession &) = delete;
	CameraSession &operator=(const CameraSession &) = delete;

	void freeBuffers();
	bool lost() const;
	MaybeError allocate(libcamera::Stream *stream, unsigned int stride);
	void queueLocked(size_t buffer);
	void requestCompleted(libcamera::Request *request);
	void cameraDisconnected();

	/* The order matters: the manager goes last. */
	std::shared_ptr<libcamera::CameraManager> manager_;
	std::shared_ptr<libcamera::Camera> camera_;
	std::string id_;
	CameraOffer offer_;

	StreamSettings settings_;
	libcamera::Stream *stream_ = nullptr;
	libcamera::FrameBufferAllocator allocator_;
	std::vector<libcamera::FrameBuffer *> buffers_;
	std::vector<PlaneLayout> planes_;
	std::vector<std::unique_ptr<libcamera::Request>> requests_;

	mutable std::mutex mutex_;
	std::condition_variable changed_;
	/* All below: guarded by mutex_. */
	std::deque<CompletedFrame> completed_;
	libcamera::ControlList controls_;
	size_t inFlight_ = 0;
	uint32_t nextSequence_ = 0;
	bool resync_ = false;
	bool streaming_ = false;
	bool flushing_ = false;
	bool paused_ = false;
	bool lost_ = false;
};

} /* namespace cmacam::gst */
