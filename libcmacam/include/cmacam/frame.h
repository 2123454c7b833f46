/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * A frame: a lease on the buffer that its pixels are in.
 */

#pragma once

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

/** The number and the time of a frame. */
struct FrameInfo
{
	std::uint32_t sequence = 0; /**< number of the frame; lost frames leave gaps */
	std::int64_t timestamp = 0; /**< start of exposure, CLOCK_MONOTONIC, nanoseconds */
};

/**
 * The origin of frames, to which their buffers go back.
 *
 * A program can derive a class from this one to make frames from its own buffers.
 * Camera and FrameClient use such classes, and GstFrameSource is one. Each frame
 * keeps its source alive. Any thread may call any function.
 */
class FrameSource
{
public:
	/** Make a source without leases. */
	FrameSource() = default;

	/** Destroy the source, after its last frame. */
	virtual ~FrameSource() = default;

	FrameSource(const FrameSource &) = delete;
	FrameSource &operator=(const FrameSource &) = delete;

	/**
	 * Get the mapping of a buffer.
	 *
	 * \param[in] buffer Index of the buffer
	 * \param[in] stream Which picture of the frame
	 * \param[in] access Whether the pixels are going to be written
	 *
	 * \return The mapping, which the source owns and keeps as long as it lives;
	 * ENOENT if there is no such stream
	 */
	virtual Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
						     Access access) = 0;

	/** Called before a lease ends, while the lease table still names its holder. */
	virtual void leaseEnds() noexcept {}

	/**
	 * Called when the last lease on a buffer has ended.
	 *
	 * \param[in] buffer Index of the buffer, which the source may use again
	 */
	virtual void giveBack(unsigned int buffer) noexcept = 0;

	/**
	 * Get the metadata of a frame.
	 *
	 * \param[in] buffer Index of the leased buffer that the frame is in
	 *
	 * \return All metadata; empty if the derived class does not override the function
	 */
	virtual std::vector<NamedValue> metadata(unsigned int buffer) const;

	LeaseTable leases; /**< the leases on the buffers of this source */
};

/**
 * A frame, and a lease on its buffer.
 *
 * The camera does not use the buffer as long as a Frame leases it. The destructor
 * of the last Frame gives the buffer back, in any thread. If the camera was closed,
 * the last of its frames frees the memory. A camera has few buffers. When all of
 * them are leased, the camera loses frames and reports the holders of the buffers.
 */
class Frame
{
public:
	/**
	 * Make a frame from dma-bufs of the caller.
	 *
	 * \param[in] layout Where the planes are; the file descriptors are duplicated
	 * \param[in] info What sequence() and timestamp() shall return
	 *
	 * \return The frame; the errors of FrameMapping::map()
	 */
	static Result<Frame> fromDmaBuf(const FrameLayout &layout, const FrameInfo &info = {});

	/**
	 * Take a new lease. Classes that are derived from FrameSource call this.
	 *
	 * \param[in] source The source of the frame
	 * \param[in] buffer Index of the buffer that the frame is in
	 * \param[in] info What sequence() and timestamp() shall return
	 */
	Frame(std::shared_ptr<FrameSource> source, unsigned int buffer, const FrameInfo &info);

	/**
	 * Take over the lease of another frame.
	 *
	 * \param[in] other The frame, which is not valid afterwards
	 */
	Frame(Frame &&other) noexcept;

	/**
	 * End the lease of this frame and take over the lease of another frame.
	 *
	 * \param[in] other The frame, which is not valid afterwards
	 *
	 * \return This frame
	 */
	Frame &operator=(Frame &&other) noexcept;

	/** End the lease, as release() does. */
	~Frame() { release(); }

	/**
	 * End the lease now. The last lease gives the buffer back.
	 *
	 * Only sequence(), timestamp() and buffer() may be used afterwards.
	 */
	void release() noexcept;

	/** \return Whether the frame has a lease: it was neither released nor moved from */
	bool isValid() const { return source_ != nullptr; }

	/** \return The number of the frame; lost frames leave gaps */
	std::uint32_t sequence() const { return info_.sequence; }

	/** \return The start of exposure, CLOCK_MONOTONIC, nanoseconds */
	std::int64_t timestamp() const { return info_.timestamp; }

	/** \return The index of the buffer among the buffers of its source */
	unsigned int buffer() const { return buffer_; }

	/**
	 * Name the holder of this lease. Reports of a camera that has no buffer left
	 * use the name.
	 *
	 * \param[in] holder The name; the bytes after the first 31 are cut off
	 *
	 * \return This frame
	 */
	Frame &hold(std::string_view holder);

	/** \return A second lease on the same frame, whose holder has no name yet */
	Frame share() const;

	/**
	 * Get the format, the size, the strides and the dma-bufs.
	 *
	 * \param[in] stream Which picture of the frame
	 *
	 * \return The layout, which is valid as long as the frame lives; ENOENT if
	 * there is no such stream; EBADF after release()
	 */
	Result<const FrameLayout *> layout(Stream stream = Stream::Main) const;

	/**
	 * Begin CPU access to the pixels.
	 *
	 * \param[in] stream Which picture of the frame
	 * \param[in] access Whether the pixels are going to be written
	 *
	 * \return The access, which must end before the lease does; the errors of
	 * layout() and of MappedFrame::begin(); for the first access to a buffer also
	 * the errors of FrameMapping::map()
	 */
	Result<MappedFrame> map(Stream stream = Stream::Main, Access access = Access::Read) const &;
	Result<MappedFrame> map(Stream = Stream::Main, Access = Access::Read) const && = delete;

	/**
	 * Begin CPU access to a part of the pixels; see MappedFrame::roi().
	 *
	 * \param[in] rect The part, in pixels of the picture
	 * \param[in] stream Which picture of the frame
	 * \param[in] access Whether the pixels are going to be written
	 *
	 * \return The access, which must end before the lease does; the errors of
	 * map(); EINVAL if \a rect is empty or not within the picture
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

	/** \return All metadata that the camera reported for this frame */
	std::vector<NamedValue> metadata() const;

	/**
	 * Get one piece of the metadata.
	 *
	 * \param[in] name libcamera's name: "ExposureTime"
	 *
	 * \return The value; nothing if the camera did not report it
	 */
	std::optional<ControlValue> metadata(std::string_view name) const;

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
