/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one libcamera CameraManager that all elements of a process share.
 */
#include "manager.h"

#include <condition_variable>
#include <cstring>
#include <mutex>

#include "foreign_manager.h"

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
extern libcamera::CameraManager *libcameraManagerSelf __asm__("_ZN9libcamera13CameraManager5self_E")
	__attribute__((weak));

namespace cmacam::gst {

namespace {

struct Shared
{
	std::mutex mutex;
	std::condition_variable gone;
	/* What we hand out; it holds one of the other two. */
	std::weak_ptr<libcamera::CameraManager> manager;
	/* That of libcamera's plugin may live on after our last user. */
	std::weak_ptr<libcamera::CameraManager> plugins;
	/* Ours is alive, or being let go of by the thread that had it last. */
	bool exists = false;
};

/* Never destroyed: a frame held by an exiting thread may come back late. */
Shared &shared()
{
	static Shared *const instance = new Shared;
	return *instance;
}

struct LetGo
{
	std::shared_ptr<libcamera::CameraManager> manager;

	void operator()(libcamera::CameraManager *)
	{
		manager.reset();

		Shared &s = shared();
		std::lock_guard lock(s.mutex);
		s.exists = false;
		s.gone.notify_all();
	}
};

bool foreignManagerExists()
{
	return &libcameraManagerSelf && libcameraManagerSelf;
}

/*
 * libcamerasrc aborts the process if it comes second and finds the manager of
 * a stranger. Where its plugin is installed, the manager of that is ours too.
 */
std::shared_ptr<libcamera::CameraManager> obtain(Shared &s, MaybeError &error)
{
	std::shared_ptr<libcamera::CameraManager> manager = s.plugins.lock();
	if (manager)
		return manager;

	if (foreignManagerExists()) {
		error = Error{Error::Kind::Busy,
			      "Another part of this process already uses libcamera, which allows "
			      "one user per process: run cmacamsrc in a process of its own",
			      "libcamera::CameraManager::self_ is set"};
		return nullptr;
	}

	if ((manager = libcameraPluginManager())) {
		s.plugins = manager;
		return manager;
	}

	manager = std::make_shared<libcamera::CameraManager>();
	if (int ret = manager->start(); ret) {
		error = Error{Error::Kind::Open,
			      "libcamera could not start: " + std::string(strerror(-ret)),
			      "CameraManager::start() = " + std::to_string(ret)};
		return nullptr;
	}
	return manager;
}

} /* namespace */

std::shared_ptr<libcamera::CameraManager> sharedCameraManager(MaybeError &error)
{
	Shared &s = shared();
	std::unique_lock lock(s.mutex);
	std::shared_ptr<libcamera::CameraManager> manager;

	/*
	 * Between the last reference and the end of the destructor ours cannot
	 * be had any more and a new one would be the forbidden second.
	 */
	s.gone.wait(lock, [&] { return !s.exists || (manager = s.manager.lock()); });
	if (manager)
		return manager;

	std::shared_ptr<libcamera::CameraManager> inner = obtain(s, error);
	if (!inner)
		return nullptr;

	libcamera::CameraManager *const raw = inner.get();
	manager = {raw, LetGo{std::move(inner)}};
	s.manager = manager;
	s.exists = true;
	return manager;
}

} /* namespace cmacam::gst */
