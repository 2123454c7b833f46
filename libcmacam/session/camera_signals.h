/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signals of an acquired libcamera::Camera, for one listener.
 */
#pragma once

#include <memory>

#include <libcamera/camera.h>
#include <libcamera/request.h>

namespace cmacam {

/* A listener to the signals of a camera. libcamera's thread calls these functions. */
class CameraListener
{
public:
	virtual void requestCompleted(libcamera::Request *request) = 0;
	virtual void cameraDisconnected() = 0;

protected:
	~CameraListener() = default;
};

/**
 * Make @listener the listener of @camera, in place of the former listener. If
 * @listener is null, the camera has no listener afterwards. When listenTo()
 * returns, no call of the former listener is under way, except a call that has
 * itself called listenTo().
 */
void listenTo(const std::shared_ptr<libcamera::Camera> &camera, CameraListener *listener);

} /* namespace cmacam */
