/* SPDX-License-Identifier: MIT */
/*
 * A libcamera capture loop that hands out frames one at a time.
 */

#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <libcamera/libcamera.h>

#include <cmacam/mapped_frame.h>
#include <cmacam/result.h>

/* What is wanted from the camera; 0 and "" leave the choice to it. */
struct CameraOptions
{
	std::string id;
	std::string format;
	unsigned int width = 0;
	unsigned int height = 0;
};

/* One finished frame; valid until the function that got it returns. */
struct CameraFrame
{
	unsigned int sequence;
	std::int64_t timestamp; /* start of exposure, CLOCK_MONOTONIC, ns */
	const cmacam::FrameMapping &pixels;
};

class CameraLoop
{
public:
	/* Called for each frame; false ends the loop. */
	using FrameFunction = std::function<cmacam::Result<bool>(const CameraFrame &)>;

	static cmacam::Result<std::unique_ptr<CameraLoop>> open(const CameraOptions &options);
	~CameraLoop();

	const std::string &id() const { return camera_->id(); }
	const libcamera::StreamConfiguration &stream() const { return config_->at(0); }

	/*
	 * Give every frame to function, in order. A frame goes back to the
	 * camera when the function has returned, so a slow function slows the
	 * camera down or makes it lose frames, but never sees one twice.
	 */
	cmacam::Result<void> run(const FrameFunction &function);

private:
	CameraLoop() = default;

	cmacam::Result<void> acquire(const std::string &id);
	cmacam::Result<void> configure(const CameraOptions &options);
	cmacam::Result<void> prepareRequests();
	cmacam::Result<void> processRequests(const FrameFunction &function);

	cmacam::Error cancelled();
	void completed(libcamera::Request *request);
	void disconnected();

	libcamera::CameraManager manager_;
	std::shared_ptr<libcamera::Camera> camera_;
	std::unique_ptr<libcamera::CameraConfiguration> config_;
	std::unique_ptr<libcamera::FrameBufferAllocator> allocator_;
	std::map<const libcamera::FrameBuffer *, cmacam::FrameMapping> mappings_;
	std::vector<std::unique_ptr<libcamera::Request>> requests_;

	/* Filled by libcamera's thread, emptied by the one that runs run(). */
	std::mutex mutex_;
	std::condition_variable wake_;
	std::deque<libcamera::Request *> completed_;
	bool disconnected_ = false;
};
