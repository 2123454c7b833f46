/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Frames, which lease their buffers, and the sources of frames.
 */

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <cmacam/control.h>
#include <cmacam/lease.h>
#include <cmacam/mapped_frame.h>
#include <cmacam/result.h>
#include <cmacam/stream.h>

namespace cmacam {

/** The state of automatic exposure, with the values of libcamera's control AeState. */
enum class AeState {
	Idle = 0,      /**< exposure and gain are set by hand, or the camera has no automatic */
	Searching = 1, /**< the right exposure is not found yet */
	Converged = 2, /**< the exposure of the frame is right */
};

/**
 * The number of a frame, its time, and how it was exposed. A value that the camera does not
 * report is 0.
 */
struct FrameInfo
{
	std::uint32_t sequence = 0; /**< number of the frame, with gaps for lost frames */
	std::int64_t timestamp = 0; /**< start of exposure on CLOCK_MONOTONIC, in nanoseconds */
	/**
	 * Number of frames that the camera lost directly before this frame: the gap in the
	 * numbers. Frames that a pause or Policy::DropOldest left out are not lost.
	 */
	std::uint32_t lost = 0;
	AeState aeState = AeState::Idle;      /**< state of automatic exposure */
	std::int64_t wallClock = 0;	      /**< start of exposure since 1970, in nanoseconds */
	std::chrono::microseconds exposure{}; /**< exposure time */
	std::chrono::microseconds duration{}; /**< time from the start of the frame to the next */
	double analogueGain = 0;	      /**< gain of the sensor */
	double digitalGain = 1; /**< further gain; 1 also for a camera that has no such gain */
	/** Index of the frame's controls in Camera::bracket(); -1 for any other frame. */
	std::int32_t bracket = -1;
};

/**
 * Convert what is known of a frame to metadata, with libcamera's names.
 *
 * \param[in] info The number of the frame, its time, and how it was exposed
 *
 * \return SensorTimestamp, FrameWallClock, ExposureTime, FrameDuration, AnalogueGain,
 * DigitalGain and AeState, without those that the camera did not report
 */
std::vector<NamedValue> metadataOf(const FrameInfo &info);

/**
 * The origin of frames. When the last lease on a buffer ends, the buffer goes back
 * to its FrameSource.
 *
 * To make frames from its own buffers, a program can derive a class from
 * FrameSource. Camera and FrameClient use derived classes, and GstFrameSource is a
 * derived class. Each frame keeps its source alive. Any thread may call any
 * function of a source.
 */
class FrameSource
{
public:
	/** Make a source without leases. */
	FrameSource() = default;

	/** Destroy the source. All frames of the source were destroyed or released before. */
	virtual ~FrameSource() = default;

	FrameSource(const FrameSource &) = delete;
	FrameSource &operator=(const FrameSource &) = delete;

	/**
	 * Get the mapping of a buffer.
	 *
	 * \param[in] buffer Index of the buffer
	 * \param[in] stream Which stream of the frame
	 * \param[in] access How the CPU uses the pixels
	 *
	 * \return The mapping, which the source owns and keeps until its destruction;
	 * ENOENT if the frame has no such stream
	 */
	virtual Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
						     Access access) = 0;

	/**
	 * A frame calls this function just before its lease ends. The lease table still has
	 * the lease at this time.
	 */
	virtual void leaseEnds() noexcept {}

	/**
	 * A frame calls this function after the last lease on a buffer has ended.
	 *
	 * \param[in] buffer Index of the buffer, which the source may use again
	 */
	virtual void giveBack(unsigned int buffer) noexcept = 0;

	/**
	 * Get the metadata of a frame.
	 *
	 * \param[in] buffer Index of the leased buffer with the frame
	 *
	 * \return All metadata of the frame; empty if the derived class does not override
	 * the function
	 */
	virtual std::vector<NamedValue> metadata(unsigned int buffer) const;

	/**
	 * Get one piece of the metadata of a frame.
	 *
	 * \param[in] buffer Index of the leased buffer with the frame
	 * \param[in] name libcamera's name: "ExposureTime"
	 *
	 * \return The value; nothing if metadata() has no value for this name. A derived
	 * class overrides this function only to be faster
	 */
	virtual std::optional<ControlValue> metadatum(unsigned int buffer,
						      std::string_view name) const;

	LeaseTable leases; /**< the leases on the buffers of this source */
};

/**
 * A frame, and a lease on its buffer.
 *
 * As long as a Frame leases a buffer, the camera does not use the buffer. The
 * destructor of the last Frame on a buffer gives the buffer back. Any thread may
 * run this destructor. If the camera was closed, the destructor of its last Frame
 * frees the memory of all buffers. A camera has few buffers. When all buffers are
 * leased, the camera loses frames and reports the holders of the buffers.
 */
class Frame
{
public:
	/**
	 * Make a frame from dma-bufs of the caller.
	 *
	 * \param[in] layout Where the planes are. The frame has duplicates of the file
	 * descriptors
	 * \param[in] info The number and the time of the frame
	 *
	 * \return The frame; the errors of FrameMapping::map()
	 */
	static Result<Frame> fromDmaBuf(const FrameLayout &layout, const FrameInfo &info = {});

	/**
	 * Make a frame with a new lease. Classes that are derived from FrameSource call
	 * this constructor.
	 *
	 * \param[in] source The source of the frame
	 * \param[in] buffer Index of the buffer with the frame
	 * \param[in] info The number and the time of the frame
	 */
	Frame(std::shared_ptr<FrameSource> source, unsigned int buffer, const FrameInfo &info);

	/**
	 * Take over the lease of another frame.
	 *
	 * \param[in] other The other frame, which has no lease afterwards
	 */
	Frame(Frame &&other) noexcept;

	/**
	 * End the lease of this frame and take over the lease of another frame.
	 *
	 * \param[in] other The other frame, which has no lease afterwards
	 *
	 * \return This frame
	 */
	Frame &operator=(Frame &&other) noexcept;

	/** End the lease with release(). */
	~Frame() { release(); }

	/**
	 * End the lease now. If this is the last lease on the buffer, the buffer goes back
	 * to its source.
	 *
	 * After release(), the program may use only sequence(), timestamp(), info() and
	 * buffer() of the frame.
	 */
	void release() noexcept;

	/**
	 * \return Whether the frame has a lease. A frame that was released or moved from
	 * has none
	 */
	bool isValid() const { return source_ != nullptr; }

	/** \return The number of the frame, with gaps for lost frames */
	std::uint32_t sequence() const { return info_.sequence; }

	/** \return The start of exposure on CLOCK_MONOTONIC, in nanoseconds */
	std::int64_t timestamp() const { return info_.timestamp; }

	/**
	 * \return The number and the time of the frame, and how it was exposed. This is also
	 * known of frames from a FrameClient, of copies, and after release()
	 */
	const FrameInfo &info() const { return info_; }

	/** \return The index of the frame's buffer among the buffers of the source */
	unsigned int buffer() const { return buffer_; }

	/**
	 * Set the name of this lease's holder. If the camera has no buffer left, its report
	 * about the holders shows this name.
	 *
	 * \param[in] holder The name, of which the lease keeps the first 31 bytes
	 *
	 * \return This frame
	 */
	Frame &hold(std::string_view holder);

	/**
	 * \return A second frame object with its own lease on the same buffer. The holder
	 * of the new lease has no name yet
	 */
	Frame share() const;

	/**
	 * Get the format, the size, the strides and the dma-bufs of a stream.
	 *
	 * \param[in] stream Which stream of the frame
	 *
	 * \return The layout, which is valid as long as the frame lives; ENOENT if the
	 * frame has no such stream; EBADF after release()
	 */
	Result<const FrameLayout *> layout(Stream stream = Stream::Main) const;

	/**
	 * Begin CPU access to the pixels.
	 *
	 * \param[in] stream Which stream of the frame
	 * \param[in] access How the CPU uses the pixels
	 *
	 * \return The mapped frame, whose access must end before the lease of this frame
	 * ends; the errors of layout() and of MappedFrame::begin(); for the first access to
	 * a buffer also the errors of FrameMapping::map()
	 */
	Result<MappedFrame> map(Stream stream = Stream::Main, Access access = Access::Read) const &;
	Result<MappedFrame> map(Stream = Stream::Main, Access = Access::Read) const && = delete;

	/**
	 * Begin CPU access to a part of the pixels; see MappedFrame::roi().
	 *
	 * \param[in] rect The part, in pixels of the stream
	 * \param[in] stream Which stream of the frame
	 * \param[in] access How the CPU uses the pixels
	 *
	 * \return The mapped part, whose access must end before the lease of this frame
	 * ends; the errors of map(); EINVAL if \a rect is empty or not within the picture
	 * of the stream
	 */
	Result<MappedFrame> roi(const Rect &rect, Stream stream = Stream::Main,
				Access access = Access::Read) const &;
	Result<MappedFrame> roi(const Rect &, Stream = Stream::Main,
				Access = Access::Read) const && = delete;

	/**
	 * Copy all streams and the metadata into ordinary memory.
	 *
	 * The copy leases no buffer, so a program may keep any number of copies.
	 *
	 * \return The copy; the errors of map(); ENOMEM
	 */
	Result<Frame> copy() const;

	/**
	 * \return All metadata that the camera reported for this frame. For a frame of a
	 * FrameClient: the values of info() that the camera reported, with libcamera's names
	 */
	std::vector<NamedValue> metadata() const;

	/**
	 * Get one piece of the metadata.
	 *
	 * \param[in] name libcamera's name: "ExposureTime"
	 *
	 * \return The value; nothing if the camera reported no value for this name
	 */
	std::optional<ControlValue> metadata(std::string_view name) const;

	/** \return The exposure time; nothing if the camera did not report it */
	std::optional<std::chrono::microseconds> exposure() const;

	/** \return The analogue gain of the sensor; nothing if the camera did not report it */
	std::optional<double> gain() const;

	/**
	 * \return The time from the start of this frame to the start of the next frame;
	 * nothing if the camera did not report it
	 */
	std::optional<std::chrono::microseconds> duration() const;

	/**
	 * \return The start of exposure on CLOCK_REALTIME, since 1970; nothing if the camera
	 * did not report it
	 */
	std::optional<std::chrono::nanoseconds> wallClock() const;

private:
	Frame(std::shared_ptr<FrameSource> source, unsigned int buffer, const FrameInfo &info,
	      LeaseTable::Id lease);

	Result<const FrameMapping *> mapping(Stream stream, Access access) const;

	std::shared_ptr<FrameSource> source_;
	unsigned int buffer_;
	FrameInfo info_;
	LeaseTable::Id lease_;
};

} /* namespace cmacam */
