/* SPDX-License-Identifier: MIT */
/*
 * The first camera, for programs that run inside the machine. Requests complete
 * on libcamera's thread. main() waits for them in next(), for a limited time.
 */

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include <cmacam-regs.h>

#include <libcamera/libcamera.h>

#include <cmacam/libcamera.h>
#include <cmacam/mapped_frame.h>

inline void must(bool condition, const std::string &what)
{
	if (!condition)
		throw std::runtime_error(what);
}

class CheckCamera
{
public:
	using Tweak = std::function<void(libcamera::CameraConfiguration &)>;

	CheckCamera();
	~CheckCamera();

	libcamera::Camera &operator*() { return *camera_; }
	libcamera::Camera *operator->() { return camera_.get(); }

	void configure(const std::vector<libcamera::StreamRole> &roles, const Tweak &tweak = {});
	const libcamera::StreamConfiguration &config(unsigned int i) { return config_->at(i); }
	libcamera::Stream *stream(unsigned int i) { return config_->at(i).stream(); }

	/* Frees the buffers, releases the camera, and acquires it again. */
	void reacquire();

	void allocate();
	const std::vector<std::unique_ptr<libcamera::FrameBuffer>> &buffers(unsigned int i);
	/* One request for each buffer that all streams have, with a buffer of each stream. */
	std::vector<std::unique_ptr<libcamera::Request>> requests();

	/*
	 * Maps a buffer, which allocate() or the caller has made. The three functions after
	 * map() need a mapped buffer.
	 */
	void map(unsigned int stream, const libcamera::FrameBuffer &buffer);
	cmacam::MappedFrame open(const libcamera::FrameBuffer &buffer) const;
	cmacam_mark mark(const libcamera::FrameBuffer &buffer) const;
	double meanLuma(const libcamera::FrameBuffer &buffer) const;

	void start(const libcamera::ControlList *controls = nullptr);
	void stop();
	libcamera::Request *next();

private:
	void completed(libcamera::Request *request);

	libcamera::CameraManager manager_;
	std::shared_ptr<libcamera::Camera> camera_;
	std::unique_ptr<libcamera::CameraConfiguration> config_;
	std::unique_ptr<libcamera::FrameBufferAllocator> allocator_;
	std::map<const libcamera::FrameBuffer *, cmacam::FrameMapping> mappings_;
	bool running_ = false;

	std::mutex mutex_;
	std::condition_variable wake_;
	std::deque<libcamera::Request *> done_;
};
