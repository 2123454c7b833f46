/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cameras that are plugged in or unplugged: the signals of the shared CameraManager.
 */
#pragma once

#include <functional>
#include <memory>

#include <libcamera/camera.h>
#include <libcamera/camera_manager.h>

namespace cmacam {

enum class Hotplug {
	Added,
	Removed,
};

using HotplugFunction =
	std::function<void(Hotplug what, const std::shared_ptr<libcamera::Camera> &camera)>;

/*
 * A subscription to cameras that are plugged in or unplugged. As long as the object
 * lives, libcamera's thread calls the function of the object for each such camera
 * of the shared manager. When the destructor returns, no call of the function is
 * under way, except a call that has itself destroyed the object.
 */
class HotplugSubscription
{
public:
	explicit HotplugSubscription(HotplugFunction function);
	~HotplugSubscription();

private:
	HotplugSubscription(const HotplugSubscription &) = delete;
	HotplugSubscription &operator=(const HotplugSubscription &) = delete;

	std::shared_ptr<HotplugFunction> function_;
};

/**
 * Report the cameras of @manager to all subscriptions. Only sharedManager() calls
 * followHotplug().
 */
void followHotplug(const std::shared_ptr<libcamera::CameraManager> &manager);

} /* namespace cmacam */
