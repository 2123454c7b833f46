/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cameras that come and go: the signals of the shared CameraManager.
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
 * As long as it lives its function is called, on libcamera's thread, for every
 * camera of the shared manager that comes or goes. When the destructor returns
 * no call is under way, except one that the destructor was called from.
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

/** Tells the subscribers of the cameras of @manager, too. For sharedManager() alone. */
void followHotplug(const std::shared_ptr<libcamera::CameraManager> &manager);

} /* namespace cmacam */
