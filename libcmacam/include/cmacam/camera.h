/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * A camera of libcamera, and the frames that it delivers.
 *
 * This header is part of the library cmacam-camera. A program that uses it does
 * not need libcamera's headers.
 */

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <cmacam/control.h>
#include <cmacam/frame.h>
#include <cmacam/lease.h>
#include <cmacam/result.h>

namespace cmacam {

/** How a camera treats frames that the program has not taken with next() yet. */
enum class Policy {
	/**
	 * The newest frame replaces the oldest one that waits: next() returns what
	 * the camera sees now. The camera loses frames only if the program holds
	 * all buffers of the camera.
	 */
	DropOldest,
	/**
	 * All frames wait, so that a program that keeps up gets each of them. The
	 * camera loses frames when all of its buffers have a frame that waits or that
	 * the program holds.
	 */
	Block,
	/**
	 * The newest frame replaces the oldest one, as with DropOldest. In addition,
	 * next() returns a copy in ordinary memory whenever a lease would leave the
	 * camera with fewer than three buffers. So frames that the program holds
	 * never leave the camera without a buffer.
	 */
	Copy,
};

/** The format and the size of one stream. The camera chooses each value that is 0 or empty. */
struct StreamOptions
{
	std::string format;	 /**< libcamera's name of the format: "NV12", "R8", "RGB888" */
	unsigned int width = 0;	 /**< pixels per line; set both width and height, or neither */
	unsigned int height = 0; /**< number of lines */
};

/** How Camera::open() shall set a camera up. */
struct CameraOptions
{
	/** libcamera's id of the camera. Empty: the first cmacam camera, else the first camera. */
	std::string id = {};
	StreamOptions main = {}; /**< the stream Stream::Main */
	/** The stream Stream::Lores. The camera has no such stream if all of it is empty. */
	StreamOptions lores = {};
	unsigned int buffers = 0;	       /**< number of buffers; 0: the camera chooses it */
	Policy policy = Policy::DropOldest;    /**< treatment of frames that wait for next() */
	std::vector<NamedValue> controls = {}; /**< controls to set before the first frame */
	/**
	 * A function that the camera calls when it lost frames because it had no
	 * buffer left. The text names the number of lost frames and the holders of the
	 * buffers. Further losses cause a new call only if the camera had a buffer again
	 * in between. A thread of the camera calls the function and waits until the
	 * function returns. May be empty.
	 */
	std::function<void(const std::string &)> log = {};
};

/** A control of a camera and the values that it accepts. */
struct ControlRange
{
	std::string name; /**< libcamera's name of the control */
	ControlValue min; /**< smallest value */
	ControlValue max; /**< largest value */
	ControlValue def; /**< default value */
};

/** Numbers of frames since Camera::start(). */
struct CameraStatistics
{
	std::uint64_t delivered; /**< frames that next() returned */
	std::uint64_t copied;	 /**< delivered frames that were copies (Policy::Copy) */
	std::uint64_t dropped;	 /**< frames that newer frames replaced; 0 with Policy::Block */
	std::uint64_t damaged;	 /**< frames that the camera reported as damaged; not delivered */
	std::uint64_t lost;	 /**< frames that are missing in the camera's count */
	std::uint64_t starved;	 /**< number of times that the camera had no buffer left */
};

/**
 * A camera.
 *
 * One thread at a time may call next(); any thread may call the other functions.
 * Frames may outlive the camera. All cameras and all cmacamsrc elements of a
 * process share one libcamera::CameraManager. A Camera and a cmacamsrc element may
 * use the same camera if each uses one of its streams. If the program has made
 * another CameraManager, list() and open() fail with EBUSY.
 *
 * Many functions can return these errors: ENODEV if the camera was unplugged;
 * EPERM if the call came at the wrong time, such as next() before start().
 */
class Camera
{
public:
	/**
	 * List the cameras.
	 *
	 * \return The ids of all cameras; EBUSY if another part of the process already
	 * uses libcamera; the error of CameraManager::start()
	 */
	static Result<std::vector<std::string>> list();

	/**
	 * Open a camera, configure it and allocate its buffers. start() starts it.
	 *
	 * \param[in] options Which camera, and how to set it up
	 *
	 * \return The camera; ENODEV if there is no such camera; EBUSY if another
	 * program has opened it; EINVAL if the camera does not support the options (the
	 * text names the nearest options that it supports); ENOMEM if there is no memory
	 * for the buffers (the text is the driver's sentence); the errors of set()
	 */
	static Result<Camera> open(const CameraOptions &options = {});

	/**
	 * Take a camera over.
	 *
	 * \param[in] other The camera, which can only be destroyed or assigned to
	 * afterwards
	 */
	Camera(Camera &&other) noexcept;

	/**
	 * Close this camera and take \a other over.
	 *
	 * \param[in] other The camera to take over
	 *
	 * \return This camera
	 */
	Camera &operator=(Camera &&other) noexcept;

	/** Close the camera, as close() does. Other threads may only use its frames from now on. */
	~Camera();

	/**
	 * Stop the camera and release it.
	 *
	 * A next() that waits in another thread returns EPERM. Later calls of next(),
	 * start(), stop() and set() return EPERM too. Frames that the program holds keep
	 * their pixels.
	 */
	void close();

	/** \return libcamera's id of the camera */
	const std::string &id() const;

	/**
	 * Get the format, the size and the strides that the camera agreed to.
	 *
	 * \param[in] stream Which stream
	 *
	 * \return The layout, with -1 for all file descriptors; ENOENT if the camera
	 * has no such stream
	 */
	Result<FrameLayout> layout(Stream stream = Stream::Main) const;

	/** \return The number of buffers of the camera */
	unsigned int buffers() const;

	/**
	 * Begin to capture.
	 *
	 * The camera can use the buffer of a leased frame only after its lease has ended.
	 *
	 * \return The error of the camera
	 */
	Result<void> start();

	/**
	 * Stop capturing and drop the frames that wait. Does nothing if the camera is
	 * stopped.
	 *
	 * \return The error of the camera
	 */
	Result<void> stop();

	/**
	 * Wait for the next frame. CameraOptions::policy decides which one it is.
	 *
	 * \param[in] timeout How long to wait
	 *
	 * \return The frame; ETIMEDOUT if there was none within \a timeout; EBUSY if
	 * there was none because the camera has no buffer left (the text names the
	 * holders); EIO if the camera failed; the errors of Frame::copy() with
	 * Policy::Copy
	 */
	Result<Frame> next(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * Set a control from the next request on.
	 *
	 * Frame::metadata() has the value that was in force for a frame.
	 *
	 * \param[in] name libcamera's name of the control
	 * \param[in] value The new value
	 *
	 * \return ENOENT if the camera has no such control; EINVAL if the value has
	 * the wrong type (the text names the right type); ERANGE if the value is beyond
	 * the limits (the text names the limits)
	 */
	Result<void> set(std::string_view name, const ControlValue &value);

	/** \return All controls of the camera and their limits */
	std::vector<ControlRange> controls() const;

	/** \return The counters since start() */
	CameraStatistics statistics() const;

	/** \return The holder of each leased buffer, the oldest lease first */
	std::vector<Holder> holders() const;

private:
	class Source;

	explicit Camera(std::shared_ptr<Source> source);

	std::shared_ptr<Source> source_;
};

} /* namespace cmacam */
