/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The capture video node, with the controls and events that the cmacam driver adds to V4L2.
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
	Signal<uint32_t> lost; /* sequence number of the first lost frame */

private:
	void exceptional();

	/*
	 * close() holds this lock while it closes the file. tryFormat() holds this
	 * lock while it uses the file.
	 */
	Mutex closing_;
	std::unique_ptr<EventNotifier> notifier_;
};

} /* namespace libcamera */
