/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one libcamera CameraManager that all cameras of a process share.
 */

#include "manager.h"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>

/*
 * libcamera::CameraManager::self_, which is not null while there is a manager; the
 * constructor of a second one aborts. A private member, exported like all of
 * libcamera: a version that hides it has no address here, and loses the check only.
 *
 * It is compared, never followed, and nothing orders the read: a manager that is made
 * between the check and ours still aborts. libcamera offers no lock for that.
 */
extern libcamera::CameraManager *cmacamLibcameraSelf __asm__("_ZN9libcamera13CameraManager5self_E")
	__attribute__((weak));

namespace cmacam {

namespace {

bool somebodyElseHasOne()
{
	return &cmacamLibcameraSelf && cmacamLibcameraSelf;
}

/*
 * A second manager makes libcamera abort, also while the first is still in its
 * destructor: whoever comes then waits.
 */
struct Shared
{
	std::mutex mutex;
	std::condition_variable gone;
	std::weak_ptr<libcamera::CameraManager> manager;
	bool exists = false;
};

/* Never destroyed: a static camera may close after main() has returned. */
Shared &shared()
{
	static Shared *const instance = new Shared;
	return *instance;
}

struct Stop
{
	void operator()(libcamera::CameraManager *manager) const
	{
		std::default_delete<libcamera::CameraManager>()(manager);

		std::lock_guard lock(shared().mutex);
		shared().exists = false;
		shared().gone.notify_all();
	}
};

} /* namespace */

Result<std::shared_ptr<libcamera::CameraManager>> sharedManager()
{
	Shared &s = shared();
	std::unique_lock lock(s.mutex);
	std::shared_ptr<libcamera::CameraManager> manager;

	s.gone.wait(lock, [&] { return !s.exists || (manager = s.manager.lock()); });
	if (manager)
		return manager;

	if (somebodyElseHasOne())
		return Error{EBUSY, "another part of this process already uses libcamera, which "
				    "allows one user per process"};

	auto fresh = std::make_unique<libcamera::CameraManager>();
	if (const int ret = fresh->start(); ret < 0)
		return Error{-ret, std::string("cannot start libcamera: ") + std::strerror(-ret)};

	manager = std::shared_ptr<libcamera::CameraManager>(fresh.release(), Stop());
	s.manager = manager;
	s.exists = true;

	return manager;
}

} /* namespace cmacam */
