/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cameras that come and go: the signals of the shared CameraManager.
 */
#include "hotplug.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

namespace cmacam {

namespace {

/*
 * The one receiver of the manager's signals, which is connected once to each
 * manager and never disconnected: libcamera's emit() calls a copy of its list
 * without a lock, and would call a receiver that another thread disconnects at
 * that moment.
 */
class Hub
{
public:
	void connect(const std::shared_ptr<libcamera::CameraManager> &manager)
	{
		/* One that was lent to us may be lent again. */
		if (connected_.lock() == manager)
			return;
		connected_ = manager;
		manager->cameraAdded.connect(this, &Hub::added);
		manager->cameraRemoved.connect(this, &Hub::removed);
	}

	void add(std::shared_ptr<HotplugFunction> function)
	{
		std::lock_guard lock(mutex_);
		functions_.push_back(std::move(function));
	}

	void remove(const std::shared_ptr<HotplugFunction> &function)
	{
		std::lock_guard lock(mutex_);
		std::erase(functions_, function);
	}

private:
	/* As libcamera's signals have it. NOLINTBEGIN(performance-unnecessary-value-param) */
	void added(std::shared_ptr<libcamera::Camera> camera) { emit(Hotplug::Added, camera); }
	void removed(std::shared_ptr<libcamera::Camera> camera) { emit(Hotplug::Removed, camera); }
	/* NOLINTEND(performance-unnecessary-value-param) */

	/* With the lock, so that remove() waits; a function may remove itself, or others. */
	void emit(Hotplug what, const std::shared_ptr<libcamera::Camera> &camera)
	{
		std::lock_guard lock(mutex_);
		const std::vector<std::shared_ptr<HotplugFunction>> all = functions_;

		for (const auto &function : all)
			if (std::ranges::find(functions_, function) != functions_.end())
				(*function)(what, camera);
	}

	std::recursive_mutex mutex_;
	std::vector<std::shared_ptr<HotplugFunction>> functions_;
	/* Guarded by the lock of sharedManager(). */
	std::weak_ptr<libcamera::CameraManager> connected_;
};

/* Never destroyed: a manager that was lent to us may outlive everything. */
Hub &hub()
{
	static Hub *const instance = new Hub;
	return *instance;
}

} /* namespace */

HotplugSubscription::HotplugSubscription(HotplugFunction function)
	: function_(std::make_shared<HotplugFunction>(std::move(function)))
{
	hub().add(function_);
}

HotplugSubscription::~HotplugSubscription()
{
	hub().remove(function_);
}

void followHotplug(const std::shared_ptr<libcamera::CameraManager> &manager)
{
	hub().connect(manager);
}

} /* namespace cmacam */
