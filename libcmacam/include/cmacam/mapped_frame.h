/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU access to a camera frame, without a copy.
 */

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <sys/types.h>
#include <vector>

#include <cmacam/dma_buf.h>
#include <cmacam/frame_layout.h>
#include <cmacam/frame_view.h>
#include <cmacam/result.h>

namespace cmacam {

class MappedFrame;

/**
 * The mapping of a frame's dma-bufs into this process.
 *
 * Mapping costs a system call and page table entries for the whole frame, so
 * a loop keeps one FrameMapping per buffer for as long as it uses the buffer
 * and opens a MappedFrame on it for each frame. The mapping alone gives no
 * right to look at a pixel.
 *
 * The file descriptors are duplicated: the mapping outlives those of the
 * layout, and the memory outlives the camera.
 */
class FrameMapping
{
public:
	/**
	 * Map every dma-buf of \a layout, each once, however many planes it
	 * holds.
	 *
	 * \param[in] layout Where the planes are
	 * \param[in] access ReadWrite only if pixels are going to be written
	 *
	 * \return EINVAL if the planes are not those of the format and size, if
	 * one reaches beyond its dma-buf or its lines overlap; else the errno of
	 * lseek(), fcntl() or mmap()
	 */
	static Result<FrameMapping> map(const FrameLayout &layout, Access access = Access::Read);

	/**
	 * Ordinary memory with the pixels of \a frame in it, of the same strides.
	 *
	 * What becomes of the frame does not matter to it, there is nothing to
	 * synchronise, and it may be written to.
	 *
	 * \return ENODATA if the access to \a frame has ended; ENOMEM
	 */
	static Result<FrameMapping> copyOf(const FrameView &frame);

	FrameMapping(FrameMapping &&) noexcept = default;
	FrameMapping &operator=(FrameMapping &&) noexcept = default;

	PixelFormat format() const { return layout_.format; }
	unsigned int width() const { return layout_.width; }
	unsigned int height() const { return layout_.height; }

	/** Where the planes are, in file descriptors of the mapping; -1 of a copy. */
	const FrameLayout &layout() const { return layout_; }
	Access access() const { return access_; }

	/** Open one period of CPU access; see MappedFrame::begin(). */
	Result<MappedFrame> begin() const;

	/** Open one period of CPU access to a part; see MappedFrame::roi(). */
	Result<MappedFrame> begin(const Rect &rect) const;

private:
	friend class MappedFrame;

	/*
	 * One dma-buf, mapped from its start; or ordinary memory, without a file
	 * descriptor. Whether it cannot be had in parts is found out by the first
	 * who asks, of many threads perhaps.
	 */
	class Area
	{
	public:
		Area(UniqueFd fd, std::byte *base, std::size_t size, ino_t inode);
		Area(Area &&other) noexcept;
		Area &operator=(Area &&other) noexcept;
		~Area();

		int fd() const { return fd_.get(); }
		std::byte *base() const { return base_; }
		std::size_t size() const { return size_; }
		ino_t inode() const { return inode_; }
		bool wholeOnly() const { return wholeOnly_.load(std::memory_order_relaxed); }
		void setWholeOnly() const { wholeOnly_.store(true, std::memory_order_relaxed); }

	private:
		void unmap();

		UniqueFd fd_;
		std::byte *base_;
		std::size_t size_;
		ino_t inode_;
		mutable std::atomic<bool> wholeOnly_ = false;
	};

	FrameMapping(const FrameLayout &layout, Access access) : layout_(layout), access_(access) {}

	Result<std::size_t> areaOf(int fd);
	std::byte *base(std::size_t plane) const;

	FrameLayout layout_;
	Access access_;
	std::vector<Area> areas_;
	std::array<std::size_t, kMaxPlanes> areaOfPlane_{};
};

/**
 * One period of CPU access to one frame.
 *
 * Access begins when the object is made and ends when it is destroyed; the
 * pixels are valid in between, and only there. End it before the buffer goes
 * back to the camera: a libcamera request is queued again, a GstBuffer
 * unreferenced, after the MappedFrame is gone.
 *
 * Read-only unless the mapping was made for writing: a stray write faults.
 */
class MappedFrame : public FrameView
{
public:
	/**
	 * Begin access to a frame that is mapped already.
	 *
	 * \param[in] mapping Must outlive the MappedFrame; may be moved meanwhile
	 *
	 * \return The error of beginCpuAccess(); what had begun is ended again
	 */
	static Result<MappedFrame> begin(const FrameMapping &mapping);

	/**
	 * Begin access to a part of a frame that is mapped already.
	 *
	 * The planes are views of the part: their first sample is that of its
	 * upper left corner, their size is its own. What lies between their lines
	 * belongs to others and may be older. Nv12's chroma and Yuyv are rounded
	 * out, see samplesOf(); Bayer begins with red where x and y are even.
	 *
	 * Costs the cache maintenance of the part where the buffer is of vb2-cma,
	 * else that of the whole buffer. Several parts of one frame may be open at
	 * once, together with the whole.
	 *
	 * \param[in] mapping Must outlive the MappedFrame; may be moved meanwhile
	 * \param[in] rect In pixels of the frame
	 *
	 * \return EINVAL if \a rect is empty or not within the frame; else the
	 * error of beginCpuAccess(); what had begun is ended again
	 */
	static Result<MappedFrame> roi(const FrameMapping &mapping, const Rect &rect);

	/* A part of what is mapped already; see there. */
	using FrameView::roi;

	/**
	 * Map a frame, and begin access to it; the mapping ends with the access.
	 *
	 * \return The errors of FrameMapping::map() and begin()
	 */
	static Result<MappedFrame> map(const FrameLayout &layout, Access access = Access::Read);

	MappedFrame(MappedFrame &&other) noexcept;
	MappedFrame &operator=(MappedFrame &&other) noexcept;

	/** Ends the access; use end() to learn of an error. */
	~MappedFrame();

	/**
	 * End the access now. This is a view of nothing afterwards.
	 *
	 * Every dma-buf is ended even if one fails.
	 *
	 * \return The first error of endCpuAccess()
	 */
	Result<void> end();

	/**
	 * The bytes of plane \a index for writing.
	 *
	 * \return An empty span if the mapping is read-only
	 */
	std::span<std::byte> writable(std::size_t index);

private:
	/* One begin that wants its end. The descriptor is owned by the mapping. */
	struct Begun
	{
		int fd;
		std::optional<ByteRect> part;
	};

	MappedFrame(const FrameMapping &mapping, unsigned int width, unsigned int height)
		: FrameView(mapping.format(), width, height), access_(mapping.access())
	{
	}

	Result<void> beginWhole(const FrameMapping::Area &area);
	Result<void> beginPart(const FrameMapping::Area &area, const ByteRect &part);
	void takeFrom(MappedFrame &other) noexcept;

	/* Arrays of fixed size: a frame costs no allocation. */
	Access access_;
	std::optional<FrameMapping> owned_;
	std::array<Begun, kMaxPlanes> begun_{};
	std::size_t begunCount_ = 0;
};

} /* namespace cmacam */
