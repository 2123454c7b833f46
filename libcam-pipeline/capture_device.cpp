/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The capture video node, with what the cmacam driver adds to V4L2.
 */

#include "capture_device.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <linux/cmacam.h>

#include <libcamera/base/event_notifier.h>

namespace libcamera {

namespace {

/* Widths and heights are even, so that a frame has whole chroma samples and Bayer cells. */
constexpr unsigned int kSizeStep = 2;

} /* namespace */

/**
 * \brief Return the value of a V4L2 control of type integer, boolean or menu
 * \param[in] values Controls that V4L2Device::getControls() has read
 * \param[in] id Identifier of the control
 *
 * If getControls() cannot read a control, for example because the device has
 * just gone, it lists the control without a value. ControlValue::get() of such
 * a control ends the process, so this function checks the value first.
 *
 * \return The value, or std::nullopt if the control was not read
 */
std::optional<int32_t> intControl(const ControlList &values, uint32_t id)
{
	if (!values.contains(id))
		return std::nullopt;

	const ControlValue &value = values.get(id);
	if (value.type() != ControlTypeInteger32 || value.isArray())
		return std::nullopt;

	return value.get<int32_t>();
}

/**
 * \class CmacamCaptureDevice
 * \brief V4L2VideoDevice that returns error texts and detects the removal of the device
 */

CmacamCaptureDevice::CmacamCaptureDevice(const MediaEntity *entity) : V4L2VideoDevice(entity)
{
}

CmacamCaptureDevice::~CmacamCaptureDevice()
{
	close();
}

int CmacamCaptureDevice::open()
{
	int ret = V4L2VideoDevice::open();
	if (ret)
		return ret;

	/*
	 * poll() reports POLLERR | POLLHUP | POLLPRI once the device is gone.
	 * The event loop dispatches none but the last; without a listener it
	 * would spin until somebody closes the file.
	 */
	notifier_ = std::make_unique<EventNotifier>(fd(), EventNotifier::Exception);
	notifier_->activated.connect(this, [this]() { exceptional(); });

	return 0;
}

void CmacamCaptureDevice::close()
{
	/*
	 * Disabled, not destroyed: this may run below exceptional(), which the
	 * notifier itself has called.
	 */
	if (notifier_)
		notifier_->setEnabled(false);

	MutexLocker locker(closing_);
	V4L2VideoDevice::close();
}

/**
 * \brief Let the driver adjust a format without setting it
 * \param[inout] format The format
 *
 * CameraConfiguration::validate() calls this function in the application's
 * thread, while an unplug may close the file in libcamera's thread. Soon after
 * that, the file descriptor may belong to another file of the process. So the
 * function holds a lock that close() takes, too.
 *
 * \return 0 on success, -ENODEV if the file is closed, or another negative error code
 */
int CmacamCaptureDevice::tryFormat(V4L2DeviceFormat *format)
{
	MutexLocker locker(closing_);
	if (!isOpen())
		return -ENODEV;

	return V4L2VideoDevice::tryFormat(format);
}

/**
 * \brief Return the range of all sizes that can be set with a format
 *
 * The node enumerates only a list of common sizes, for programs that cannot use
 * ranges. So the function reads the crop bounds, which are those of the sensor.
 * Then it lets the driver adjust the largest and the smallest size. With a
 * format of many bytes per pixel, the largest size can be below the bounds.
 *
 * \return The range, or std::nullopt if the device has gone
 */
std::optional<SizeRange> CmacamCaptureDevice::sizeRange(V4L2PixelFormat fourcc)
{
	Rectangle bounds;
	if (getSelection(V4L2_SEL_TGT_CROP_BOUNDS, &bounds))
		return std::nullopt;

	/* Who wants the least of both gets the smallest size of the list. */
	V4L2DeviceFormat largest;
	largest.fourcc = fourcc;
	largest.size = bounds.size();
	V4L2DeviceFormat narrowest = largest, lowest = largest;
	narrowest.size.width = 1;
	lowest.size.height = 1;
	if (tryFormat(&largest) || tryFormat(&narrowest) || tryFormat(&lowest))
		return std::nullopt;

	return SizeRange{
		{narrowest.size.width, lowest.size.height}, largest.size, kSizeStep, kSizeStep};
}

/**
 * \brief Check whether the board or its driver has gone
 *
 * The result may be true before unplugged is emitted, because the event loop
 * has to run before that.
 *
 * \return True if the device has gone, or if it is closed
 */
bool CmacamCaptureDevice::isGone()
{
	if (!isOpen())
		return true;

	v4l2_capability capability{};

	return ioctl(VIDIOC_QUERYCAP, &capability) == -ENODEV;
}

/**
 * \brief Read the node's control V4L2_CID_CMACAM_LAST_ERROR
 *
 * V4L2Device::getControls() does not support string controls.
 *
 * \return One sentence, or an empty string if there is no error or the control cannot be read
 */
std::string CmacamCaptureDevice::lastError()
{
	v4l2_query_ext_ctrl query{};
	query.id = V4L2_CID_CMACAM_LAST_ERROR;
	if (ioctl(VIDIOC_QUERY_EXT_CTRL, &query) < 0 || query.type != V4L2_CTRL_TYPE_STRING)
		return {};

	std::vector<char> text(query.elem_size + 1);

	v4l2_ext_control control{};
	control.id = query.id;
	control.size = text.size();
	control.string = text.data();

	v4l2_ext_controls list{};
	list.which = V4L2_CTRL_WHICH_CUR_VAL;
	list.count = 1;
	list.controls = &control;
	if (ioctl(VIDIOC_G_EXT_CTRLS, &list) < 0)
		return {};

	return std::string(text.data());
}

/**
 * \brief Read the number of frames that were lost since streaming began
 *
 * \return The number, or std::nullopt if the device has gone
 */
std::optional<uint32_t> CmacamCaptureDevice::framesLost()
{
	static constexpr uint32_t ids[] = {V4L2_CID_CMACAM_FRAMES_LOST};

	return intControl(getControls(ids), ids[0]);
}

/**
 * \brief Set whether lost is emitted when the driver loses a frame
 *
 * Disabling also discards the events that were not dispatched yet.
 */
void CmacamCaptureDevice::setLossEventEnabled(bool enable)
{
	v4l2_event_subscription subscription{};
	subscription.type = V4L2_EVENT_CMACAM_LOST;
	ioctl(enable ? VIDIOC_SUBSCRIBE_EVENT : VIDIOC_UNSUBSCRIBE_EVENT, &subscription);
}

void CmacamCaptureDevice::exceptional()
{
	v4l2_event event{};
	const int ret = ioctl(VIDIOC_DQEVENT, &event);
	if (!ret && event.type == V4L2_EVENT_CMACAM_LOST) {
		cmacam_event_lost loss;
		memcpy(&loss, event.u.data, sizeof(loss));
		lost.emit(loss.first);
	}

	/* A device that answers is there, even if it has no event. */
	if (ret != -ENODEV)
		return;

	notifier_->setEnabled(false);
	unplugged.emit();
}

} /* namespace libcamera */
