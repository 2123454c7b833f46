/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opens a stream of a camera: one session for each camera in this process.
 */
#include "open_stream.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <cmacam/is_cmacam.h>
#include <libcamera/property_ids.h>

#include "device_access.h"
#include "manager.h"

namespace cmacam {

namespace {

using Cameras = std::vector<std::shared_ptr<libcamera::Camera>>;

std::string idsOf(const Cameras &cameras)
{
	std::string ids;
	for (const auto &camera : cameras)
		ids += (ids.empty() ? "'" : ", '") + camera->id() + "'";
	return ids;
}

Result<std::shared_ptr<libcamera::Camera>> findCamera(const libcamera::CameraManager &manager,
						      const std::string &id,
						      const libcamera::Camera *gone)
{
	Cameras cameras = manager.cameras(), named;
	std::erase_if(cameras, [gone](const auto &camera) { return camera.get() == gone; });

	for (const auto &camera : cameras) {
		if (id.empty() ? isCmacam(*camera) : camera->id() == id)
			return camera;
		if (!id.empty() && camera->properties().get(libcamera::properties::Model) == id)
			named.push_back(camera);
	}

	if (id.empty() && !cameras.empty())
		return cameras.front();
	/* What people call a camera is its model, which several can have. */
	if (named.size() == 1)
		return named.front();
	if (!named.empty())
		return Error{EINVAL, std::to_string(named.size()) + " cameras are named '" + id +
					     "'; use one of their IDs: " + idsOf(named)};
	/* While a board is taken out its nodes go one by one, which says nothing. */
	if (const std::optional<Error> error = gone ? std::nullopt : findAccessError())
		return *error;
	if (!id.empty())
		return Error{ENODEV,
			     "No camera is named '" + id + "'; " +
				     (cameras.empty() ? "there is no camera"
						      : "the cameras are " + idsOf(cameras))};
	return Error{ENODEV, "No camera found: no board is plugged in, or the module "
			     "cmacam is not loaded"};
}

/* The sessions of this process, each of which one user or two have. */
class OpenSessions
{
public:
	Result<std::shared_ptr<CameraSession>> open(const std::string &id, Stream which,
						    const libcamera::Camera *gone);

private:
	Result<std::shared_ptr<CameraSession>> acquire(const std::string &id,
						       const libcamera::Camera *gone);
	std::shared_ptr<CameraSession> find(const libcamera::Camera *camera) const;

	/* Held while one is opened or ends: nobody finds it half gone. */
	std::mutex mutex_;
	std::vector<std::weak_ptr<CameraSession>> all_;
};

Result<std::shared_ptr<CameraSession>> OpenSessions::open(const std::string &id, Stream which,
							  const libcamera::Camera *gone)
{
	std::lock_guard lock(mutex_);
	Result<std::shared_ptr<CameraSession>> session = acquire(id, gone);
	if (!session)
		return session;
	if (Result<void> joined = (*session)->join(which); !joined)
		return joined.error();

	/* The user's share: with its last copy the stream is left. */
	CameraSession *const raw = session->get();
	return std::shared_ptr<CameraSession>(
		raw, [this, session = *std::move(session), which](CameraSession *) mutable {
			std::lock_guard lock(mutex_);
			session->leave(which);
			session.reset();
		});
}

/* The session of that camera, which may have been there. */
Result<std::shared_ptr<CameraSession>> OpenSessions::acquire(const std::string &id,
							     const libcamera::Camera *gone)
{
	auto manager = sharedManager();
	if (!manager)
		return manager.error();

	auto found = findCamera(**manager, id, gone);
	if (!found)
		return found.error();
	std::shared_ptr<libcamera::Camera> camera = *std::move(found);
	if (std::shared_ptr<CameraSession> session = find(camera.get()))
		return session;

	if (const int ret = camera->acquire(); ret == -EBUSY)
		return Error{EBUSY, "Camera '" + camera->id() + "' is in use by another program"};
	else if (ret < 0)
		return Error{-ret, "Camera '" + camera->id() +
					   "' could not be opened: " + strerror(-ret)};

	auto session = std::make_shared<CameraSession>(*std::move(manager), std::move(camera));
	std::erase_if(all_, [](const auto &one) { return one.expired(); });
	all_.push_back(session);
	return session;
}

std::shared_ptr<CameraSession> OpenSessions::find(const libcamera::Camera *camera) const
{
	for (const std::weak_ptr<CameraSession> &one : all_)
		if (auto session = one.lock(); session && session->camera().get() == camera)
			return session;
	return nullptr;
}

} /* namespace */

Result<std::shared_ptr<CameraSession>> openStream(const std::string &id, Stream which,
						  const libcamera::Camera *gone)
{
	/* Never destroyed: a frame held by an exiting thread may come back late. */
	static OpenSessions *const sessions = new OpenSessions;

	return sessions->open(id, which, gone);
}

} /* namespace cmacam */
