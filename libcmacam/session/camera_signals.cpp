/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libcamera tells of an acquired camera: the signals of libcamera::Camera.
 */
#include "camera_signals.h"

#include <mutex>
#include <vector>

namespace cmacam {

namespace {

/*
 * The receiver of one camera's signals. It is connected for as long as the
 * camera exists and never disconnected: libcamera's emit() calls a copy of its
 * list without a lock, and would call a receiver that another thread
 * disconnects at that moment.
 */
class Relay
{
public:
	explicit Relay(const std::shared_ptr<libcamera::Camera> &camera) : camera_(camera)
	{
		camera->requestCompleted.connect(this, &Relay::requestCompleted);
		camera->disconnected.connect(this, &Relay::disconnected);
	}

	std::shared_ptr<libcamera::Camera> camera() const { return camera_.lock(); }

	void setListener(CameraListener *listener)
	{
		std::lock_guard lock(mutex_);
		listener_ = listener;
	}

private:
	void requestCompleted(libcamera::Request *request)
	{
		std::lock_guard lock(mutex_);
		if (listener_)
			listener_->requestCompleted(request);
	}

	void disconnected()
	{
		std::lock_guard lock(mutex_);
		if (listener_)
			listener_->cameraDisconnected();
	}

	const std::weak_ptr<libcamera::Camera> camera_;
	/* Held during a call, and taken before the locks of the listener. */
	std::recursive_mutex mutex_;
	CameraListener *listener_ = nullptr;
};

struct Relays
{
	std::mutex mutex;
	std::vector<std::unique_ptr<Relay>> all;
};

/* Never destroyed, as the relays of cameras that outlive everything must not be. */
Relays &relays()
{
	static Relays *const instance = new Relays;
	return *instance;
}

/* Those of cameras that are gone are freed here: nobody can emit their signals any more. */
Relay &relayOf(const std::shared_ptr<libcamera::Camera> &camera)
{
	Relays &r = relays();
	std::lock_guard lock(r.mutex);

	std::erase_if(r.all, [](const auto &relay) { return !relay->camera(); });
	for (const auto &relay : r.all)
		if (relay->camera() == camera)
			return *relay;

	r.all.push_back(std::make_unique<Relay>(camera));
	return *r.all.back();
}

} /* namespace */

void listenTo(const std::shared_ptr<libcamera::Camera> &camera, CameraListener *listener)
{
	relayOf(camera).setListener(listener);
}

} /* namespace cmacam */
