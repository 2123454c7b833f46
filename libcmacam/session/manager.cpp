/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one libcamera CameraManager that all cameras of a process share.
 */
#include "manager.h"

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <string>
#include <unistd.h>
#include <utility>

#include "hotplug.h"

/*
 * libcamera::CameraManager::self_, the pointer whose non-null value makes the
 * constructor of a second manager call abort(). It is a private member without
 * an accessor, and asking the constructor is not survivable, so it is read by
 * its symbol: libcamera.so exports it (nothing there is hidden), and its type
 * and meaning have not changed since the class exists. The reference is weak:
 * should a later libcamera hide it, its address is null here, the check is
 * skipped, and nothing else changes.
 *
 * The value is only compared, never followed. Reading it is not synchronised
 * with the other user of libcamera: a manager constructed between this check
 * and ours still aborts. libcamera offers no lock that could close the gap.
 */
extern libcamera::CameraManager *cmacamLibcameraSelf __asm__("_ZN9libcamera13CameraManager5self_E")
	__attribute__((weak));

namespace cmacam {

namespace {

using ManagerPtr = std::shared_ptr<libcamera::CameraManager>;

struct Shared
{
	std::mutex mutex;
	std::condition_variable gone;
	/* What sharedManager() returns; it holds one of the other two. */
	std::weak_ptr<libcamera::CameraManager> manager;
	/* The manager of the source may live on after our last user. */
	std::weak_ptr<libcamera::CameraManager> lent;
	ManagerSource source = nullptr;
	/* Ours is alive, or its last user's thread is just destroying it. */
	bool exists = false;
	/*
	 * The process in which it exists, or 0. A fork copies the manager without its
	 * thread, and perhaps a locked mutex: this is read before the mutex is taken.
	 */
	std::atomic<pid_t> owner = 0;
};

/* Never destroyed: a static camera may close after main() has returned. */
Shared &shared()
{
	static Shared *const instance = new Shared;
	return *instance;
}

/* The deleter of what sharedManager() returns. */
struct LetGo
{
	ManagerPtr manager;

	void operator()(libcamera::CameraManager *)
	{
		manager.reset();

		Shared &s = shared();
		{
			std::lock_guard lock(s.mutex);
			s.exists = false;
			s.owner = 0;
		}
		s.gone.notify_all();
	}
};

bool anotherManagerExists()
{
	return &cmacamLibcameraSelf && cmacamLibcameraSelf;
}

Result<ManagerPtr> obtain(Shared &s)
{
	if (ManagerPtr lent = s.lent.lock())
		return lent;

	if (anotherManagerExists())
		return Error{EBUSY,
			     "Another part of this process already uses libcamera, which allows "
			     "one user per process: run the two users in separate processes"};

	if (ManagerPtr lent = s.source ? s.source() : nullptr) {
		s.lent = lent;
		return lent;
	}

	auto fresh = std::make_shared<libcamera::CameraManager>();
	if (const int ret = fresh->start(); ret < 0)
		return Error{-ret, std::string("libcamera could not start: ") + strerror(-ret)};
	return fresh;
}

} /* namespace */

Result<ManagerPtr> sharedManager()
{
	Shared &s = shared();
	if (const pid_t owner = s.owner; owner && owner != getpid())
		return Error{EPERM, "Process " + std::to_string(owner) +
					    ", which uses libcamera, has forked this process, and "
					    "libcamera does not survive a fork: use cameras only "
					    "in processes that are forked before, or that exec()"};

	std::unique_lock lock(s.mutex);
	ManagerPtr manager;

	/*
	 * While the destructor of ours runs there is no reference to it any more,
	 * and a new manager would be the forbidden second one.
	 */
	s.gone.wait(lock, [&] { return !s.exists || (manager = s.manager.lock()); });
	if (manager)
		return manager;

	Result<ManagerPtr> inner = obtain(s);
	if (!inner)
		return inner;

	followHotplug(*inner);
	libcamera::CameraManager *const raw = inner->get();
	manager = {raw, LetGo{*std::move(inner)}};
	s.manager = manager;
	s.exists = true;
	s.owner = getpid();
	return manager;
}

void setManagerSource(ManagerSource source)
{
	Shared &s = shared();
	std::lock_guard lock(s.mutex);
	s.source = source;
}

} /* namespace cmacam */
