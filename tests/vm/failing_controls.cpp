/* SPDX-License-Identifier: MIT */
/*
 * To be preloaded: the sensor has gone when its pixel rate is to be read, and
 * only then. For patches/libcamera/0001.
 */

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <span>

#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept
{
	std::va_list rest;
	va_start(rest, request);
	void *argument = va_arg(rest, void *);
	va_end(rest);

	if (request == VIDIOC_G_EXT_CTRLS) {
		const auto *list = static_cast<const v4l2_ext_controls *>(argument);
		const std::span controls(list->controls, list->count);
		const auto isPixelRate = [](const v4l2_ext_control &control) {
			return control.id == V4L2_CID_PIXEL_RATE;
		};
		/* If the driver has gone, the kernel leaves error_idx as it was. */
		if (std::ranges::any_of(controls, isPixelRate)) {
			errno = ENODEV;
			return -1;
		}
	}
	return static_cast<int>(syscall(SYS_ioctl, fd, request, argument));
}
