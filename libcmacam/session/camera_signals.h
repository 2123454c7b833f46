/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libcamera tells of an acquired camera: the signals of libcamera::Camera.
 */
#pragma once

#include <memory>

#include <libcamera/camera.h>
#include <libcamera/request.h>

namespace cmacam {

/* Called on libcamera's thread. */
class CameraListener
{
public:
	virtual void requestCompleted(libcamera::Request *request) = 0;
	virtual void cameraDisconnected() = 0;

protected:
	~CameraListener() = default;
};

/**
 * From now on @listener hears of @camera, instead of whoever did before;
 * nobody does if it is null. When this returns no call of the one before is
 * under way, unless this is called from there.
 */
void listenTo(const std::shared_ptr<libcamera::Camera> &camera, CameraListener *listener);

} /* namespace cmacam */
