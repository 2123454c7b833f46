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
	/** Keeps @manager, that of sharedManager(), alive. */
	explicit CameraWatch(std::shared_ptr<libcamera::CameraManager> manager);

	/**
	 * Blocks until a camera was added since this object exists, or since
	 * wait() last returned true; false while flushing.
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
	/* Last: it ends first, and with it the calls. */
	HotplugSubscription subscription_;
};

} /* namespace cmacam */
