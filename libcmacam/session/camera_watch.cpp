/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraWatch: waits for a camera to be plugged in.
 */
#include "camera_watch.h"

#include <utility>

namespace cmacam {

CameraWatch::CameraWatch(std::shared_ptr<libcamera::CameraManager> manager)
	: manager_(std::move(manager)),
	  subscription_([this](Hotplug what, const std::shared_ptr<libcamera::Camera> &) {
		  if (what == Hotplug::Added)
			  cameraAdded();
	  })
{
}

bool CameraWatch::wait()
{
	std::unique_lock lock(mutex_);
	changed_.wait(lock, [this] { return added_ || flushing_; });
	return !flushing_ && std::exchange(added_, false);
}

void CameraWatch::setFlushing(bool flushing)
{
	{
		std::lock_guard lock(mutex_);
		flushing_ = flushing;
	}
	changed_.notify_all();
}

/* Runs on libcamera's thread. */
void CameraWatch::cameraAdded()
{
	{
		std::lock_guard lock(mutex_);
		added_ = true;
	}
	changed_.notify_all();
}

} /* namespace cmacam */
