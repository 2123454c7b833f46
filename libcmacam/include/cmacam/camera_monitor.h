/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Cameras that are plugged in and unplugged.
 *
 * This header is part of the library cmacam-camera. A program that uses this header
 * does not need libcamera's headers.
 */

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <cmacam/result.h>

namespace cmacam {

/** A camera that was plugged in or unplugged. */
struct CameraChange
{
	std::string id; /**< libcamera's id of the camera */
	bool present;	/**< true: the camera is there now; false: it is gone */
};

/**
 * Watches which cameras there are.
 *
 * next() first returns each camera that is there already, and then each change. So
 * a program sees every camera, and sees no camera twice. Any thread may call any
 * function. A process that was forked from the process of the monitor must not use it.
 */
class CameraMonitor
{
public:
	/**
	 * Begin to watch.
	 *
	 * \return The monitor; the errors of Camera::list(); EMFILE
	 */
	static Result<CameraMonitor> create();

	/**
	 * Take over the monitor of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 */
	CameraMonitor(CameraMonitor &&other) noexcept;

	/**
	 * End the monitor of this object and take over the monitor of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 *
	 * \return This monitor
	 */
	CameraMonitor &operator=(CameraMonitor &&other) noexcept;

	/** Call close(). From now on, other threads must not use this object. */
	~CameraMonitor();

	/**
	 * End the monitor. A next() that waits in another thread returns EPERM, and so does
	 * each later call.
	 */
	void close();

	/** \return The ids of the cameras that are there now, also those that next() has not
	 * returned yet */
	std::vector<std::string> cameras() const;

	/**
	 * Wait for the next change.
	 *
	 * \param[in] timeout How long to wait
	 *
	 * \return The change; ETIMEDOUT if nothing changed within \a timeout; EPERM after
	 * close()
	 */
	Result<CameraChange> next(std::chrono::milliseconds timeout);

	/**
	 * \return A file descriptor for an event loop, which is readable as long as next()
	 * would not wait. The program must not read, write or close it
	 */
	int fd() const;

private:
	class Impl;

	explicit CameraMonitor(std::shared_ptr<Impl> impl);

	std::shared_ptr<Impl> impl_;
};

} /* namespace cmacam */
