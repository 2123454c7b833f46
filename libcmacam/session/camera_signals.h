/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The signals of an acquired libcamera::Camera, for one listener.
 */
#pragma once

#include <memory>

#include <libcamera/camera.h>
#include <libcamera/request.h>

namespace cmacam {

/* libcamera's thread calls these functions. */
class CameraListener
{
public:
	virtual void requestCompleted(libcamera::Request *request) = 0;
	virtual void cameraDisconnected() = 0;

protected:
	~CameraListener() = default;
};

/**
 * Make @listener the listener of @camera, in place of the former one; null: the
 * camera has no listener. When this function returns, no call of the former
 * listener is under way, unless that call itself called this function.
 */
void listenTo(const std::shared_ptr<libcamera::Camera> &camera, CameraListener *listener);

} /* namespace cmacam */
