/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The capture video node, with what the cmacam driver adds to V4L2.
 */

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <libcamera/base/mutex.h>
#include <libcamera/base/signal.h>

#include <libcamera/controls.h>
#include <libcamera/geometry.h>

#include "libcamera/internal/v4l2_videodevice.h"

namespace libcamera {

class EventNotifier;

std::optional<int32_t> intControl(const ControlList &values, uint32_t id);

class CmacamCaptureDevice : public V4L2VideoDevice
{
public:
	explicit CmacamCaptureDevice(const MediaEntity *entity);
	~CmacamCaptureDevice() override;

	int open();
	void close();

	int tryFormat(V4L2DeviceFormat *format);

	std::optional<SizeRange> sizeRange(V4L2PixelFormat format);

	bool isGone();
	std::string lastError();
	std::optional<uint32_t> framesLost();
	void setLossEventEnabled(bool enable);

	Signal<> unplugged;
	Signal<uint32_t> lost; /* number of the frame */

private:
	void exceptional();

	Mutex closing_; /* held while the file is closed, and while another thread uses it */
	std::unique_ptr<EventNotifier> notifier_;
};

} /* namespace libcamera */
