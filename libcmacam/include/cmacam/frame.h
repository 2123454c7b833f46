/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A frame: a lease on the buffer that it lies in.
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

/** What is known of a frame besides its pixels. */
struct FrameInfo
{
	std::uint32_t sequence = 0; /**< number of the frame; a gap is a loss */
	std::int64_t timestamp = 0; /**< start of exposure, CLOCK_MONOTONIC, ns */
};

/**
 * Where frames come from and go back to.
 *
 * For those who bring frames of their own: Camera, FrameClient and gstreamer.h
 * are made of it. Frames keep their source alive. Any thread may call anything.
 */
class FrameSource
{
public:
	FrameSource() = default;
	virtual ~FrameSource() = default;
	FrameSource(const FrameSource &) = delete;
	FrameSource &operator=(const FrameSource &) = delete;

	/**
	 * The mapping of \a stream in \a buffer, which lives as long as the source.
	 *
	 * \return ENOENT if there is no such stream
	 */
	virtual Result<const FrameMapping *> mapping(unsigned int buffer, Stream stream,
						     Access access) = 0;

	/** A lease is about to end: the last moment in which its holder can be named. */
	virtual void leaseEnds() noexcept {}

	/** The last lease on \a buffer has ended. */
	virtual void giveBack(unsigned int buffer) noexcept = 0;

	/** All metadata of the frame in \a buffer, which is leased. */
	virtual std::vector<NamedValue> metadata(unsigned int buffer) const;

	LeaseTable leases;
};

/**
 * A frame and the right to keep it.
 *
 * While a Frame lives its buffer is not the camera's. It gives it back in its
 * destructor, from whatever thread, also after the camera was closed: then the
 * memory goes. A camera has few buffers; one that gets none back has to stop, and
 * says who holds them.
 */
class Frame
{
public:
	/**
	 * A frame in dma-bufs of the caller.
	 *
	 * \param[in] layout Where its planes are; the file descriptors are
	 * duplicated
	 * \param[in] info What sequence() and timestamp() shall return
	 *
	 * \return The errors of FrameMapping::map()
	 */
	static Result<Frame> fromDmaBuf(const FrameLayout &layout, const FrameInfo &info = {});

	/** A new lease on \a buffer of \a source, for those who bring frames. */
	Frame(std::shared_ptr<FrameSource> source, unsigned int buffer, const FrameInfo &info);

	Frame(Frame &&other) noexcept;
	Frame &operator=(Frame &&other) noexcept;

	/** Gives the buffer back, if this is its last lease. */
	~Frame() { release(); }

	/** End the lease now; of the frame nothing but its FrameInfo is left. */
	void release() noexcept;

	/** Whether it was neither released nor moved from. */
	bool isValid() const { return source_ != nullptr; }

	std::uint32_t sequence() const { return info_.sequence; }
	std::int64_t timestamp() const { return info_.timestamp; }

	/** The index of the buffer among those of its source. */
	unsigned int buffer() const { return buffer_; }

	/**
	 * Say who holds the frame, for the report of a camera that has run out of
	 * buffers.
	 */
	Frame &hold(std::string_view holder);

	/** A second lease on the same frame, whose holder has no name yet. */
	Frame share() const;

	/**
	 * Format, size, strides and dma-bufs.
	 *
	 * \return As long as the frame lives; ENOENT if there is no such stream,
	 * EBADF after release()
	 */
	Result<const FrameLayout *> layout(Stream stream = Stream::Main) const;

	/**
	 * Begin CPU access; the frame must outlive it.
	 *
	 * \return The errors of layout() and of MappedFrame::begin(); of
	 * FrameMapping::map() for the first access of a buffer
	 */
	Result<MappedFrame> map(Stream stream = Stream::Main, Access access = Access::Read) const &;
	Result<MappedFrame> map(Stream = Stream::Main, Access = Access::Read) const && = delete;

	/**
	 * Begin CPU access to a part; see MappedFrame::roi().
	 *
	 * \return The errors of map(), and EINVAL if \a rect is not within the frame
	 */
	Result<MappedFrame> roi(const Rect &rect, Stream stream = Stream::Main,
				Access access = Access::Read) const &;
	Result<MappedFrame> roi(const Rect &, Stream = Stream::Main,
				Access = Access::Read) const && = delete;

	/**
	 * A copy in ordinary memory, of all streams, with its metadata. It is no
	 * lease: it may be kept for as long as there is memory.
	 *
	 * \return The errors of map(); ENOMEM
	 */
	Result<Frame> copy() const;

	/** Everything that the camera tells of this frame. */
	std::vector<NamedValue> metadata() const;

	/** One piece of it, by libcamera's name; nothing if the camera does not tell. */
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
