/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A camera of libcamera, which hands out frames.
 *
 * Of the library cmacam-camera; programs that use it need not know libcamera.
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

/** What becomes of frames that nobody takes in time. */
enum class Policy {
	/**
	 * The oldest one that waits makes room for the newest: next() returns what
	 * the camera sees now, and only leases can starve the camera.
	 */
	DropOldest,
	/**
	 * They wait, and no frame is left out as long as the program keeps up.
	 * When all buffers wait or are held the camera loses frames.
	 */
	Block,
	/**
	 * As DropOldest; but next() returns a copy in ordinary memory whenever the
	 * lease would leave the camera with fewer than three buffers. Held frames
	 * never starve the camera, and cost a copy when they threaten to.
	 */
	Copy,
};

/** What is wanted of one stream; what is 0 or empty the camera chooses. */
struct StreamOptions
{
	std::string format;	 /**< libcamera's name: "NV12", "R8", "RGB888" */
	unsigned int width = 0;	 /**< pixels; with height or not at all */
	unsigned int height = 0; /**< lines */
};

/** What is wanted of a camera. */
struct CameraOptions
{
	std::string id =
		{}; /**< libcamera's id; empty: the first cmacam camera, or the first one */
	StreamOptions main = {};	       /**< Stream::Main */
	StreamOptions lores = {};	       /**< Stream::Lores; all empty: there is none */
	unsigned int buffers = 0;	       /**< 0: as many as the camera thinks best */
	Policy policy = Policy::DropOldest;    /**< for frames that nobody takes */
	std::vector<NamedValue> controls = {}; /**< from the first frame on */
	/**
	 * Told that frames were lost because no buffer was left to the camera, how many,
	 * and who held the buffers; once, until the camera has had buffers to spare again.
	 * From a thread of the camera, which waits for it; may be empty.
	 */
	std::function<void(const std::string &)> log = {};
};

/** A control of a camera and the values that it takes. */
struct ControlRange
{
	std::string name;
	ControlValue min;
	ControlValue max;
	ControlValue def;
};

/** What happened since start(). */
struct CameraStatistics
{
	std::uint64_t delivered; /**< returned by next() */
	std::uint64_t copied;	 /**< of those, as copies (Policy::Copy) */
	std::uint64_t dropped;	 /**< nobody took them in time (not Policy::Block) */
	std::uint64_t damaged;	 /**< the camera said that a stream is bad; not delivered */
	std::uint64_t lost;	 /**< gaps in the camera's count */
	std::uint64_t starved;	 /**< times that the camera was left without a buffer */
};

/**
 * A camera.
 *
 * next() is for one thread at a time, everything else for any thread. Frames may
 * outlive the camera. All cameras of a process and all cmacamsrc share one
 * libcamera, and a Camera and an element may have one stream each of a camera. A
 * program that makes a libcamera::CameraManager itself cannot have them: EBUSY.
 *
 * Errors that many functions return: ENODEV, the camera was unplugged; EPERM,
 * not in this order (next() before start()).
 */
class Camera
{
public:
	/**
	 * The ids of all cameras.
	 *
	 * \return The error of starting libcamera; EBUSY if another part of the process
	 * already uses it
	 */
	static Result<std::vector<std::string>> list();

	/**
	 * Take, configure and give buffers to a camera; start() starts it.
	 *
	 * \return ENODEV if there is no such camera; EBUSY if another program has
	 * it; EINVAL if it does not do what is asked for, with the nearest that it
	 * does; ENOMEM with what the driver says of memory; the errors of set()
	 */
	static Result<Camera> open(const CameraOptions &options = {});

	Camera(Camera &&) noexcept;
	Camera &operator=(Camera &&) noexcept;

	/** As close(). No other thread may use the object any more, but for its frames. */
	~Camera();

	/**
	 * Stop, and release the camera; a next() that waits in another thread ends
	 * with EPERM, as does everything from now on. Frames that are out keep
	 * their pixels.
	 */
	void close();

	const std::string &id() const;

	/**
	 * Format, size and stride of a stream, as the camera agreed to it.
	 *
	 * \return The planes have no file descriptors; ENOENT: no such stream
	 */
	Result<FrameLayout> layout(Stream stream = Stream::Main) const;

	/** How many buffers there are. */
	unsigned int buffers() const;

	/** Begin to capture. Frames that are still leased come back later. */
	Result<void> start();

	/** Stop; frames that wait are dropped. Does nothing if it is stopped. */
	Result<void> stop();

	/**
	 * The next frame, as the policy has it.
	 *
	 * \return ETIMEDOUT if there was none within \a timeout; EBUSY if there was
	 * none because no buffer is left to the camera, with the names of those who
	 * hold them; EIO if the camera failed; the errors of Frame::copy() with
	 * Policy::Copy
	 */
	Result<Frame> next(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * Set a control from the next request on; the metadata of a frame tells
	 * what was in force for it.
	 *
	 * \return ENOENT: no such control; EINVAL: not its type, with the type;
	 * ERANGE: beyond its limits, with the limits
	 */
	Result<void> set(std::string_view name, const ControlValue &value);

	/** The controls there are. */
	std::vector<ControlRange> controls() const;

	CameraStatistics statistics() const;

	/** Who holds which buffer, oldest lease first. */
	std::vector<Holder> holders() const;

private:
	class Source;

	explicit Camera(std::shared_ptr<Source> source);

	std::shared_ptr<Source> source_;
};

} /* namespace cmacam */
