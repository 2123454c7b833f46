/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CameraSession: one acquired camera, and who is part of it.
 */
#include "session.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <libcamera/control_ids.h>
#include <libcamera/controls.h>

#include "driver_error.h"
#include "manager.h"

using namespace std::chrono_literals;

namespace cmacam::gst {

namespace {

/* The sessions of this process, each of which one element or two have. */
struct Sessions
{
	/* Held while one is opened or ends: nobody finds it half gone. */
	std::mutex mutex;
	std::vector<std::weak_ptr<CameraSession>> all;

	std::shared_ptr<CameraSession> find(const libcamera::Camera *camera) const
	{
		for (const std::weak_ptr<CameraSession> &one : all)
			if (auto session = one.lock(); session && session->camera().get() == camera)
				return session;
		return nullptr;
	}

	void add(const std::shared_ptr<CameraSession> &session)
	{
		std::erase_if(all, [](const auto &one) { return one.expired(); });
		all.push_back(session);
	}
};

/* Never destroyed: a frame held by an exiting thread may come back late. */
Sessions &sessions()
{
	static Sessions *const instance = new Sessions;
	return *instance;
}

std::shared_ptr<libcamera::Camera> findCamera(const libcamera::CameraManager &manager,
					      const std::string &name,
					      const libcamera::Camera *gone, MaybeError &error)
{
	std::string known;

	for (const std::shared_ptr<libcamera::Camera> &camera : manager.cameras()) {
		if (camera.get() == gone)
			continue;
		if (name.empty() ? isCmacam(*camera) : camera->id() == name)
			return camera;

		known += (known.empty() ? "'" : ", '") + camera->id() + "'";
	}

	if (name.empty())
		error = Error{Error::Kind::NotFound,
			      "No cmacam camera found: no board is plugged in, or the module "
			      "cmacam is not loaded",
			      "cameras libcamera knows: " + (known.empty() ? "none" : known)};
	else
		error = Error{Error::Kind::NotFound,
			      "No camera is named '" + name + "'; there " +
				      (known.empty() ? "is none at all" : "is " + known),
			      "CameraManager::cameras()"};

	return nullptr;
}

} /* namespace */

std::shared_ptr<CameraSession> CameraSession::open(const std::string &name, StreamName which,
						   MaybeError &error, const libcamera::Camera *gone)
{
	std::lock_guard lock(sessions().mutex);
	std::shared_ptr<CameraSession> session = acquire(name, error, gone);
	if (!session || (error = session->join(which)))
		return nullptr;

	/* The element's share: with its last copy the stream is left. */
	CameraSession *const raw = session.get();
	return {raw, [session = std::move(session), which](CameraSession *) mutable {
			std::lock_guard lock(sessions().mutex);
			session->leave(which);
			session.reset();
		}};
}

/* The session of that camera, which may have been there. */
std::shared_ptr<CameraSession> CameraSession::acquire(const std::string &name, MaybeError &error,
						      const libcamera::Camera *gone)
{
	std::shared_ptr<libcamera::CameraManager> manager = sharedCameraManager(error);
	if (!manager)
		return nullptr;

	std::shared_ptr<libcamera::Camera> camera = findCamera(*manager, name, gone, error);
	if (!camera)
		return nullptr;
	if (std::shared_ptr<CameraSession> session = sessions().find(camera.get()))
		return session;

	if (int ret = camera->acquire(); ret) {
		if (ret == -EBUSY)
			error = Error{Error::Kind::Busy,
				      "Camera '" + camera->id() +
					      "' is in use by another application or element",
				      "Camera::acquire() = " + describeErrno(ret)};
		else
			error = Error{kindOf(ret, Error::Kind::Open),
				      "Camera '" + camera->id() +
					      "' could not be opened: " + strerror(-ret),
				      "Camera::acquire() = " + describeErrno(ret)};
		return nullptr;
	}

	std::shared_ptr<CameraSession> session(
		new CameraSession(std::move(manager), std::move(camera)));
	sessions().add(session);
	return session;
}

CameraSession::CameraSession(std::shared_ptr<libcamera::CameraManager> manager,
			     std::shared_ptr<libcamera::Camera> camera)
	: manager_(std::move(manager)),
	  camera_(std::move(camera)),
	  controls_(libcamera::controls::controls),
	  pending_(libcamera::controls::controls)
{
	camera_->requestCompleted.connect(this, &CameraSession::requestCompleted);
	camera_->disconnected.connect(this, &CameraSession::cameraDisconnected);
}

CameraSession::~CameraSession()
{
	stopCamera();
	camera_->disconnected.disconnect(this);
	camera_->requestCompleted.disconnect(this);

	/* In this order: a request that goes unfinished still cancels its buffers. */
	for (Slot &slot : slots_)
		slot.request.reset();
	slots_.clear();
	for (Member &member : members_)
		member.queue.close();
	camera_->release();
}

MaybeError CameraSession::join(StreamName which)
{
	CameraOffer offer = readOffer(*camera_, which);

	std::lock_guard lock(mutex_);
	if (lost_)
		return lostError();
	if (members_[which].phase != Phase::Absent)
		return Error{Error::Kind::Busy,
			     "Camera '" + id() + "' is in use by another element of this process",
			     "one element per stream"};
	if (camera_->streams().size() < 2 && members_[other(which)].phase != Phase::Absent)
		return Error{Error::Kind::Busy,
			     "Camera '" + id() + "' has one stream only, and that is in use",
			     "Camera::streams()"};

	members_[which] = {};
	members_[which].offer = std::move(offer);
	members_[which].phase = Phase::Expected;
	return {};
}

void CameraSession::leave(StreamName which)
{
	release(which);

	std::lock_guard lock(mutex_);
	members_[which].phase = Phase::Absent;
	changed_.notify_all();
}

Error CameraSession::lostError() const
{
	return {Error::Kind::Lost,
		"Camera '" + id() + "' is gone: it was unplugged, or its driver gave up",
		"camera disconnected, or requests cancelled while streaming"};
}

CameraOffer CameraSession::offer(StreamName which) const
{
	std::lock_guard lock(mutex_);
	CameraOffer offer = members_[which].offer;
	const Member &main = members_[StreamName::Main];

	if (which == StreamName::Lores && main.phase == Phase::Configured &&
	    main.settings.frameDuration != 0us)
		offer.minDuration = offer.maxDuration = main.settings.frameDuration;
	return offer;
}

} /* namespace cmacam::gst */
