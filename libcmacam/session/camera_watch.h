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
	/** Keep @manager alive, which comes from sharedManager(). */
	explicit CameraWatch(std::shared_ptr<libcamera::CameraManager> manager);

	/**
	 * Wait until a camera is added. A camera that was added after the last wait() that
	 * returned true, or after the constructor, counts too. Returns false while
	 * flushing.
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
	/* The last member: its destructor runs first and ends the calls. */
	HotplugSubscription subscription_;
};

} /* namespace cmacam */
