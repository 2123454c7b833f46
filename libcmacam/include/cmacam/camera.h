/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * A camera of libcamera, and the frames of this camera.
 *
 * This header is part of the library cmacam-camera. A program that uses this header
 * does not need libcamera's headers.
 */

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
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
	 * A new frame replaces the frame that waits for next(). So next() returns the
	 * newest frame. The camera loses frames only if the program holds all buffers of
	 * the camera.
	 */
	DropOldest,
	/**
	 * All frames wait for next(). A program that calls next() often enough gets every
	 * frame. The camera loses frames if each of its buffers has a frame that waits for
	 * next() or that the program holds.
	 */
	Block,
	/**
	 * A new frame replaces the frame that waits for next(). If a lease on the frame
	 * would leave the camera with fewer than three buffers, next() instead returns a
	 * copy of the frame in ordinary memory. So the program never holds all buffers of
	 * the camera.
	 */
	Copy,
};

/** The format and the size of one stream. The camera chooses each value that is 0 or empty. */
struct StreamOptions
{
	std::string format;	 /**< libcamera's name of the format: "NV12", "R8", "RGB888" */
	unsigned int width = 0;	 /**< pixels per line; set both width and height, or leave both 0 */
	unsigned int height = 0; /**< number of lines */
};

/** How Camera::open() shall set a camera up. */
struct CameraOptions
{
	/**
	 * libcamera's id of the camera, or its model if no other camera has this model. If
	 * the id is empty, open() takes the first cmacam camera. If there is no cmacam
	 * camera, open() takes the first camera of any kind.
	 */
	std::string id = {};
	StreamOptions main = {}; /**< options of the stream Stream::Main, which next() delivers */
	/**
	 * Options of the stream Stream::Lores. If all options of this stream are empty or
	 * 0, the camera has no lores stream.
	 */
	StreamOptions lores = {};
	/**
	 * Options of the stills, which Camera::capture() takes beside the frames of next(). If
	 * the size is 0, it is the largest size of the camera. Without a value, there are no
	 * stills. The camera then keeps memory for two stills, and for one more frame of
	 * this size. A camera has two streams, so stills and a lores stream exclude each other.
	 */
	std::optional<StreamOptions> still = {};
	unsigned int buffers = 0;	       /**< number of buffers; 0: the camera's choice */
	Policy policy = Policy::DropOldest;    /**< treatment of frames that wait for next() */
	std::vector<NamedValue> controls = {}; /**< controls to set before the first frame */
	/**
	 * A function that the camera calls after frames were lost because the camera had no
	 * buffer left. The text names the number of lost frames and the holders of the
	 * buffers. After a call, further losses cause no call until the camera has had a
	 * buffer again. A thread of the camera calls the function and waits until the
	 * function returns.
	 *
	 * set() and open() also call the function, in the thread of the caller, if the
	 * camera ignores a control: for example ExposureTime while automatic exposure is
	 * on. The text names the control that would help. The function may be empty.
	 */
	std::function<void(const std::string &)> log = {};
};

/** A control of a camera and the values that the control accepts. */
struct ControlRange
{
	std::string name; /**< libcamera's name of the control */
	ControlValue min; /**< smallest value */
	ControlValue max; /**< largest value */
	ControlValue def; /**< default value */
};

/** Counts since Camera::start(). */
struct CameraStatistics
{
	std::uint64_t delivered; /**< frames that next() returned */
	std::uint64_t copied;	 /**< delivered frames that were copies (Policy::Copy) */
	std::uint64_t dropped;	 /**< frames that newer frames replaced; 0 with Policy::Block */
	std::uint64_t damaged;	 /**< damaged frames, which next() does not return */
	std::uint64_t lost;	 /**< lost frames, counted by the gaps in the frame numbers */
	std::uint64_t starved;	 /**< number of times that the camera had no buffer left */
};

/**
 * A function that gets the frames of a camera; see Camera::start(). The function must
 * not throw.
 */
using FrameFunction = std::function<void(Result<Frame>)>;

/**
 * A camera.
 *
 * Any thread may call any function. If several threads call next() at the same
 * time, each frame goes to one of them. Frames may outlive the camera. A process that
 * was forked from the process of the camera must not use the camera or its frames.
 * All cameras and all cmacamsrc elements
 * of a process share one libcamera::CameraManager. A Camera and a cmacamsrc element
 * may use the same camera if each uses a different stream of the camera. If the
 * program has made another CameraManager, list() and open() fail with EBUSY.
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
	 * Open a camera, configure it and allocate its buffers. start() starts the camera.
	 *
	 * \param[in] options The choice of the camera and its settings
	 *
	 * \return The camera; ENODEV if there is no such camera; EBUSY if another program
	 * has opened the camera; EINVAL if the camera does not support the options (the
	 * text names the nearest supported options); ENOMEM if there is no memory for the
	 * buffers (the text is the driver's sentence); the errors of set()
	 */
	static Result<Camera> open(const CameraOptions &options = {});

	/**
	 * Take over the camera of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 */
	Camera(Camera &&other) noexcept;

	/**
	 * Close the camera of this object and take over the camera of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 *
	 * \return This camera
	 */
	Camera &operator=(Camera &&other) noexcept;

	/**
	 * Call close(). From now on, other threads must not use this object. Other threads
	 * may still use the frames of the camera.
	 */
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
	 * Get the format, the size and the strides that the camera uses for a stream.
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
	 * The camera can use a leased buffer again only after the last lease on the buffer
	 * has ended.
	 *
	 * \return The error of the camera
	 */
	Result<void> start();

	/**
	 * Begin to capture, and call a function for each frame.
	 *
	 * A thread of its own takes the frames and calls \a function. So the function may
	 * take its time, and may call any function of the camera. CameraOptions::policy
	 * decides what happens to frames that come meanwhile. The function owns the frame,
	 * and may keep it after it has returned.
	 *
	 * If the camera has no buffer left for five seconds, the function gets EBUSY, and
	 * frames go on afterwards. Every other error is the last call: EPERM after stop() or
	 * close(), ENODEV after an unplug.
	 *
	 * \param[in] function The function, which stop() and close() wait for. If the
	 * function itself calls stop() or close(), they do not wait
	 *
	 * \return The error of the camera; EBUSY if the camera has a function already;
	 * EAGAIN if there is no thread left
	 */
	Result<void> start(FrameFunction function);

	/**
	 * Stop capturing and drop the frames that wait. Does nothing if the camera is
	 * stopped.
	 *
	 * \return The error of the camera
	 */
	Result<void> stop();

	/**
	 * Wait for the next frame. CameraOptions::policy decides which frame next()
	 * returns.
	 *
	 * \param[in] timeout How long to wait
	 *
	 * \return The frame; ETIMEDOUT if no frame came within \a timeout; EBUSY if no
	 * frame came because the camera has no buffer left (the text names the holders of
	 * the buffers, and the number of buffers that the program needs); EIO if the camera
	 * failed; with Policy::Copy also the errors of Frame::copy()
	 */
	Result<Frame> next(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * Take a still: one picture in the size of CameraOptions::still.
	 *
	 * The camera must run. The frames of next() continue meanwhile, and none is lost for
	 * the still: the frame of the same exposure has the same number. The camera first
	 * makes the frames for which it has a buffer already, so a still takes about
	 * buffers() frames. Controls that were set before the call apply to the still. If the
	 * camera reports an error for the picture, it takes another one.
	 *
	 * The still is a frame with one stream, Stream::Main. Its lease is on one of the two
	 * buffers for stills, and not on a buffer that next() needs. Several threads may take
	 * stills.
	 *
	 * \param[in] timeout How long to wait
	 *
	 * \return The still; ENOENT if the camera was opened without CameraOptions::still;
	 * EPERM before start(), and if the camera is stopped or closed meanwhile; ETIMEDOUT if
	 * no still came within \a timeout; EBUSY if none came because the program holds all
	 * buffers for stills (the text names the holders); EIO if the camera failed
	 */
	Result<Frame> capture(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * Get a file descriptor for an event loop: for poll(), epoll, Qt's QSocketNotifier,
	 * or GLib's g_unix_fd_add().
	 *
	 * The file descriptor is readable as long as next() would not wait: while a frame
	 * waits, or while next() would return an error, such as ENODEV after an unplug or
	 * EPERM before start() and after close(). So a program calls next() with a timeout
	 * of 0 each time, and removes the file descriptor from its loop after an error other
	 * than ETIMEDOUT and EBUSY. If another thread is faster, next() returns ETIMEDOUT.
	 *
	 * \return The file descriptor, an eventfd that the program must not read, write or
	 * close. It stays open until the camera and its last frame were destroyed. EMFILE if
	 * the process has no file descriptor left; EPERM after close()
	 */
	Result<int> fd();

	/**
	 * Set a control. The new value applies from the next request on.
	 *
	 * Frame::metadata() has the value that the camera used for a frame.
	 *
	 * \param[in] name libcamera's name of the control
	 * \param[in] value The new value
	 *
	 * \return ENOENT if the camera has no such control; EINVAL if the value has
	 * the wrong type (the text names the right type); ERANGE if the value is beyond
	 * the limits (the text names the limits)
	 */
	Result<void> set(std::string_view name, const ControlValue &value);

	/**
	 * Set several controls, all from the same request on.
	 *
	 * \param[in] controls The controls
	 *
	 * \return The errors of set() for one control. After an error, no control is set
	 */
	Result<void> set(std::span<const NamedValue> controls);

	/**
	 * Take a series of frames, each with controls of its own, such as five exposure times.
	 *
	 * The function does not wait. next() returns the frames in their order, between the
	 * other frames of the camera. FrameInfo::bracket is the index of the frame's set in
	 * \a sets, and -1 for all other frames. No policy drops a frame of a bracket. If the
	 * camera reports an error for a frame, next() does not return the frame, and if the
	 * camera is stopped, the rest of the bracket is not taken.
	 *
	 * After the last frame, the controls have the values that they had before. A control
	 * that was never set gets its default. If a set does not have a control of another
	 * set, this value applies to its frame, too. To set ExposureTime or AnalogueGain, a set
	 * also needs AeEnable = false. Automatic exposure then continues from the last frame
	 * of the bracket.
	 *
	 * \param[in] sets The controls of each frame
	 *
	 * \return EPERM if the camera was not started; EBUSY while the frames of another
	 * bracket are still to be taken; EINVAL if \a sets is empty; the errors of set(),
	 * whose text begins with the index of the set
	 */
	Result<void> bracket(std::span<const std::vector<NamedValue>> sets);

	/** \return All controls of the camera and their limits */
	std::vector<ControlRange> controls() const;

	/** \return The counts since start() */
	CameraStatistics statistics() const;

	/**
	 * \return All leases on the camera's buffers, the oldest lease first. The leases on
	 * stills come after the leases on other frames
	 */
	std::vector<Holder> holders() const;

private:
	class Source;

	explicit Camera(std::shared_ptr<Source> source);

	std::shared_ptr<Source> source_;
};

} /* namespace cmacam */
