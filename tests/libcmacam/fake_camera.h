/* SPDX-License-Identifier: MIT */
/* A camera of libcamera without a board: the test says what becomes of each request. */

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
 * There is one at a time. It has two streams of grey pixels in four buffers
 * each. Their size is 640x480 where nobody asks for another, and half of that
 * when there are two. Its handler is registered under the name "fake" and does
 * what that of cmacam does when the camera is unplugged: it gives its requests
 * up, and completes none that comes later.
 *
 * A test makes it before libcamera is started; libcamera ends before it.
 */
class FakeCamera
{
public:
	using Status = libcamera::FrameMetadata::Status;

	static constexpr const char *kId = "a camera without a board";
	static constexpr unsigned int kBuffers = 4;

	FakeCamera();
	~FakeCamera();

	/** Runs @job on libcamera's thread after all that was posted there, and waits for it. */
	void run(const std::function<void()> &job);
	/** The same without waiting. */
	void post(const std::function<void()> &job);

	/** Requests that the camera has. */
	size_t requests();
	/** Fills the buffers of the oldest request with frame @sequence. */
	void finish(uint32_t sequence, Status main = Status::FrameSuccess,
		    Status lores = Status::FrameSuccess);
	/** Gives the oldest request up. */
	void cancel();

	/* The rest is for jobs of run() and post(). */
	/** Fills the buffers of the oldest request, if there is one. Returns whether there is. */
	bool tryFinish(uint32_t sequence);
	/** Takes the camera out. */
	void unplug();

	/** The controls of start(), and those of the requests that came since then. */
	libcamera::ControlList controls;
	/** Called on libcamera's thread for a request that comes after unplug(). */
	std::function<void()> lateRequest;

private:
	friend class FakeHandler;

	/* For the signal that it is gone. The handler must not have the last reference. */
	const std::shared_ptr<libcamera::MediaDevice> media_;
	FakeHandler *handler_ = nullptr;
	std::deque<libcamera::Request *> requests_;
	bool unplugged_ = false;
};
