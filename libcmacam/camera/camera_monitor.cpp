/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watches which cameras there are.
 */

#include <cmacam/camera_monitor.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "hotplug.h"
#include "manager.h"
#include "ready_event.h"

namespace cmacam {

class CameraMonitor::Impl
{
public:
	Impl(std::shared_ptr<libcamera::CameraManager> manager, std::shared_ptr<ReadyEvent> event);

	void close();
	std::vector<std::string> cameras() const;
	Result<CameraChange> next(std::chrono::milliseconds timeout);
	int fd() const { return event_->fd(); }

private:
	void changed(const std::string &id, bool present);
	/* The caller holds mutex_. */
	void add(const std::string &id, bool present);

	std::shared_ptr<libcamera::CameraManager> manager_;
	mutable std::mutex mutex_;
	std::condition_variable arrived_;
	/* mutex_ guards the members below. */
	const std::shared_ptr<ReadyEvent> event_;
	std::map<std::string, bool> present_;
	std::deque<CameraChange> changes_;
	bool closed_ = false;
	/*
	 * This is the last member. So its destructor runs first, and ends the calls of
	 * changed().
	 */
	HotplugSubscription subscription_;
};

/*
 * The subscription comes first, so no change is missed. It knows better than the
 * list, which may be older. The list is not read under mutex_: libcamera may hold
 * the lock of its list while it calls changed().
 */
CameraMonitor::Impl::Impl(std::shared_ptr<libcamera::CameraManager> manager,
			  std::shared_ptr<ReadyEvent> event)
	: manager_(std::move(manager)),
	  event_(std::move(event)),
	  subscription_([this](Hotplug what, const std::shared_ptr<libcamera::Camera> &camera) {
		  changed(camera->id(), what == Hotplug::Added);
	  })
{
	const auto cameras = manager_->cameras();
	std::lock_guard lock(mutex_);

	for (const std::shared_ptr<libcamera::Camera> &camera : cameras)
		if (!present_.contains(camera->id()))
			add(camera->id(), true);
}

/* Runs on libcamera's thread. */
void CameraMonitor::Impl::changed(const std::string &id, bool present)
{
	{
		std::lock_guard lock(mutex_);
		/* An unplug that comes before the list is only noted: the list may be older. */
		if (present_.try_emplace(id, false).first->second == present)
			return;
		add(id, present);
	}
	arrived_.notify_all();
}

void CameraMonitor::Impl::add(const std::string &id, bool present)
{
	present_[id] = present;
	changes_.push_back({id, present});
	event_->set(true);
}

void CameraMonitor::Impl::close()
{
	{
		std::lock_guard lock(mutex_);
		closed_ = true;
		event_->set(true);
	}
	arrived_.notify_all();
}

std::vector<std::string> CameraMonitor::Impl::cameras() const
{
	std::vector<std::string> ids;
	std::lock_guard lock(mutex_);

	for (const auto &[id, present] : present_)
		if (present)
			ids.push_back(id);
	return ids;
}

Result<CameraChange> CameraMonitor::Impl::next(std::chrono::milliseconds timeout)
{
	std::unique_lock lock(mutex_);

	if (!arrived_.wait_for(lock, timeout, [this] { return closed_ || !changes_.empty(); }))
		return Error{ETIMEDOUT, "no camera came or went within " +
						std::to_string(timeout.count()) + " ms"};
	if (closed_)
		return Error{EPERM, "the monitor was closed"};

	CameraChange change = std::move(changes_.front());
	changes_.pop_front();
	event_->set(!changes_.empty());
	return change;
}

Result<CameraMonitor> CameraMonitor::create()
{
	auto manager = sharedManager();
	if (!manager)
		return manager.error();
	auto event = ReadyEvent::create();
	if (!event)
		return event.error();

	return CameraMonitor(std::make_shared<Impl>(*std::move(manager), *std::move(event)));
}

CameraMonitor::CameraMonitor(std::shared_ptr<Impl> impl) : impl_(std::move(impl))
{
}
CameraMonitor::CameraMonitor(CameraMonitor &&) noexcept = default;

CameraMonitor &CameraMonitor::operator=(CameraMonitor &&other) noexcept
{
	if (this != &other) {
		if (impl_)
			impl_->close();
		impl_ = std::move(other.impl_);
	}

	return *this;
}

CameraMonitor::~CameraMonitor()
{
	if (impl_)
		impl_->close();
}

void CameraMonitor::close()
{
	impl_->close();
}

std::vector<std::string> CameraMonitor::cameras() const
{
	return impl_->cameras();
}

Result<CameraChange> CameraMonitor::next(std::chrono::milliseconds timeout)
{
	return impl_->next(timeout);
}

int CameraMonitor::fd() const
{
	return impl_->fd();
}

} /* namespace cmacam */
