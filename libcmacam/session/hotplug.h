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
 * A subscription. As long as the object lives, libcamera's thread calls its
 * function for each camera of the shared manager that is plugged in or unplugged.
 * When the destructor returns, no call is under way, unless that call itself
 * destroyed the object.
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

/** Report the cameras of @manager to the subscribers too. Only sharedManager() calls this. */
void followHotplug(const std::shared_ptr<libcamera::CameraManager> &manager);

} /* namespace cmacam */
