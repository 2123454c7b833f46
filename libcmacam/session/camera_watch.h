/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraWatch: waits for a camera to be plugged in.
 */
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include <libcamera/camera_manager.h>

#include "hotplug.h"

namespace cmacam {

class CameraWatch
{
public:
	/**
	 * Watch the cameras of @manager, which must come from sharedManager(), and keep
	 * @manager alive.
	 */
	explicit CameraWatch(std::shared_ptr<libcamera::CameraManager> manager);

	/**
	 * Wait until a camera is added, and return true. If a camera was added since the
	 * last wait() that returned true, or since the constructor, wait() returns true at
	 * once. While the object is flushing, wait() returns false.
	 */
	bool wait();
	void setFlushing(bool flushing);

private:
	void cameraAdded();

	std::shared_ptr<libcamera::CameraManager> manager_;
	std::mutex mutex_;
	std::condition_variable changed_;
	bool added_ = false;
	bool flushing_ = false;
	/*
	 * This is the last member. So its destructor runs first, and ends the calls of
	 * cameraAdded().
	 */
	HotplugSubscription subscription_;
};

} /* namespace cmacam */
