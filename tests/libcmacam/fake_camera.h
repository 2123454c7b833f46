/* SPDX-License-Identifier: MIT */
/* A libcamera camera without a board. The test decides how each request ends. */

#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <libcamera/camera.h>
#include <libcamera/controls.h>
#include <libcamera/framebuffer.h>
#include <libcamera/request.h>

class FakeHandler;

namespace libcamera {
class MediaDevice;
}

/*
 * Only one FakeCamera may exist at a time. The camera has two streams of grey
 * pixels, with four buffers each. The default size is 640x480. With two streams,
 * the default size is half of that. The handler of the camera is registered under
 * the name "fake". When the camera is unplugged, this handler does the same as
 * cmacam's handler: it cancels its requests, and completes no request that is
 * queued later.
 *
 * A test makes the FakeCamera before it starts libcamera. libcamera ends before
 * the FakeCamera is destroyed.
 */
class FakeCamera
{
public:
	using Status = libcamera::FrameMetadata::Status;

	static constexpr const char *kId = "a camera without a board";
	static constexpr unsigned int kBuffers = 4;

	FakeCamera();
	~FakeCamera();

	/** Runs @job on libcamera's thread after all earlier jobs, and waits until it ends. */
	void run(const std::function<void()> &job);
	/** Queues @job to libcamera's thread, and does not wait for it. */
	void post(const std::function<void()> &job);

	/** Number of requests that are queued to the camera. */
	size_t requests();
	/** Number of buffers in the request that was queued last; 0 if the camera has no request.
	 */
	size_t buffersOfNewest();
	/**
	 * Completes the oldest request with frame @sequence. The metadata has the Brightness
	 * that this request has set, if any.
	 */
	void finish(uint32_t sequence, Status main = Status::FrameSuccess,
		    Status lores = Status::FrameSuccess);
	/** Cancels the oldest request. */
	void cancel();

	/* Only jobs of run() and post() may use the members below, unless they say otherwise. */
	/** Completes the oldest request with frame @sequence. Returns false if there is none. */
	bool tryFinish(uint32_t sequence);
	/** Unplugs the camera. */
	void unplug();

	/** The controls of start() and of all requests that were queued since then. */
	libcamera::ControlList controls;
	/** Numbers of the camera's device nodes. Set them before libcamera starts. */
	std::vector<int64_t> devices;
	/** Called on libcamera's thread when a request is queued after unplug(). */
	std::function<void()> lateRequest;

private:
	friend class FakeHandler;

	/*
	 * The media device, which sends the signal for the unplug. This reference keeps it
	 * alive, because the handler must not have the last reference.
	 */
	const std::shared_ptr<libcamera::MediaDevice> media_;
	FakeHandler *handler_ = nullptr;
	std::deque<libcamera::Request *> requests_;
	bool unplugged_ = false;
};
