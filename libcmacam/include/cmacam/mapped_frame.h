/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
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
 * Mapping costs a system call and page table entries for the whole frame. So a
 * loop keeps one FrameMapping per buffer as long as it uses the buffer, and begins
 * a MappedFrame on the mapping for each frame. Without a MappedFrame a program must
 * not read the pixels.
 *
 * The mapping has duplicates of the file descriptors. It stays valid when the
 * camera and the file descriptors of the layout are closed.
 */
class FrameMapping
{
public:
	/**
	 * Map the dma-bufs of a frame. A dma-buf with several planes is mapped once.
	 *
	 * \param[in] layout Where the planes are
	 * \param[in] access Whether the pixels are going to be written
	 *
	 * \return The mapping; EINVAL if the planes do not fit the format and the size,
	 * if a plane reaches beyond its dma-buf, or if its lines overlap; else the
	 * errno of lseek(), fcntl() or mmap()
	 */
	static Result<FrameMapping> map(const FrameLayout &layout, Access access = Access::Read);

	/**
	 * Copy the pixels of a frame into ordinary memory, with the same strides.
	 *
	 * The copy does not depend on the frame, needs no synchronisation, and may be
	 * written to.
	 *
	 * \param[in] frame The pixels
	 *
	 * \return The mapping; ENODATA if the access to \a frame has ended; ENOMEM
	 */
	static Result<FrameMapping> copyOf(const FrameView &frame);

	/**
	 * Take a mapping over.
	 *
	 * \param[in] other The mapping, which is empty afterwards
	 */
	FrameMapping(FrameMapping &&other) noexcept = default;

	/**
	 * Unmap the dma-bufs of this object and take another mapping over.
	 *
	 * \param[in] other The mapping, which is empty afterwards
	 *
	 * \return This mapping
	 */
	FrameMapping &operator=(FrameMapping &&other) noexcept = default;

	/** \return The pixel format */
	PixelFormat format() const { return layout_.format; }

	/** \return Pixels per line */
	unsigned int width() const { return layout_.width; }

	/** \return The number of lines */
	unsigned int height() const { return layout_.height; }

	/**
	 * \return Where the planes are. The mapping owns the file descriptors; they are
	 * -1 in a copy
	 */
	const FrameLayout &layout() const { return layout_; }

	/** \return How the pixels were mapped */
	Access access() const { return access_; }

	/**
	 * Begin CPU access.
	 *
	 * \return The access; the errors of MappedFrame::begin()
	 */
	Result<MappedFrame> begin() const;

	/**
	 * Begin CPU access to a part.
	 *
	 * \param[in] rect The part, in pixels of the frame
	 *
	 * \return The access; the errors of MappedFrame::roi()
	 */
	Result<MappedFrame> begin(const Rect &rect) const;

private:
	friend class MappedFrame;

	/*
	 * One dma-buf, which is mapped from its start; or ordinary memory, without a
	 * file descriptor. The first access to a part finds out whether the dma-buf
	 * supports only access to the whole. wholeOnly_ is atomic, because several
	 * threads may do this at the same time.
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
 * The access begins when the object is made and ends when it is destroyed. The
 * pixels are valid in between only. The access must end before the buffer goes
 * back to the camera, that is, before a libcamera request is queued again or a
 * GstBuffer is unreferenced.
 *
 * If the mapping was made with Access::Read, the pixels are read-only: a write to
 * them ends the process with SIGSEGV.
 */
class MappedFrame : public FrameView
{
public:
	/**
	 * Begin access to a mapped frame.
	 *
	 * \param[in] mapping The mapping, which must outlive the access and may be moved
	 * in the meantime
	 *
	 * \return The access; the error of beginCpuAccess(). After an error no access
	 * has begun
	 */
	static Result<MappedFrame> begin(const FrameMapping &mapping);

	/**
	 * Begin access to a part of a mapped frame.
	 *
	 * The planes begin with the sample at the upper left corner of the part and
	 * have the size of the part. The bytes between their lines belong to the rest
	 * of the frame and may be older. Planes whose samples describe several pixels
	 * are rounded out, see samplesOf(). A Bayer mosaic begins with red if x and y
	 * are even.
	 *
	 * For a buffer of vb2-cma the access costs the cache maintenance of the part.
	 * For other buffers it costs the cache maintenance of the whole buffer. A
	 * program may access several parts and the whole frame at once.
	 *
	 * \param[in] mapping The mapping, which must outlive the access and may be moved
	 * in the meantime
	 * \param[in] rect The part, in pixels of the frame
	 *
	 * \return The access; EINVAL if \a rect is empty or not within the frame; the
	 * error of beginCpuAccess(). After an error no access has begun
	 */
	static Result<MappedFrame> roi(const FrameMapping &mapping, const Rect &rect);

	/* The function of the base class, which makes a view and begins no access. */
	using FrameView::roi;

	/**
	 * Map a frame and begin access to it. The mapping ends with the access.
	 *
	 * \param[in] layout Where the planes are
	 * \param[in] access Whether the pixels are going to be written
	 *
	 * \return The access; the errors of FrameMapping::map() and of begin()
	 */
	static Result<MappedFrame> map(const FrameLayout &layout, Access access = Access::Read);

	/**
	 * Take an access over.
	 *
	 * \param[in] other The access, which is an empty view afterwards
	 */
	MappedFrame(MappedFrame &&other) noexcept;

	/**
	 * End the access of this object and take another one over.
	 *
	 * \param[in] other The access, which is an empty view afterwards
	 *
	 * \return This access
	 */
	MappedFrame &operator=(MappedFrame &&other) noexcept;

	/** End the access, as end() does, and ignore an error. */
	~MappedFrame();

	/**
	 * End the access now. This object is an empty view afterwards.
	 *
	 * The access to all dma-bufs ends even if one call fails.
	 *
	 * \return The first error of endCpuAccess()
	 */
	Result<void> end();

	/**
	 * Get the bytes of a plane for writing.
	 *
	 * \param[in] index Number of the plane, from 0
	 *
	 * \return All lines and the padding between them; an empty span if the mapping
	 * is read-only
	 */
	std::span<std::byte> writable(std::size_t index);

private:
	/* An access that has begun and must be ended. The mapping owns the descriptor. */
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

	/* The arrays have a fixed size, so that a frame costs no allocation. */
	Access access_;
	std::optional<FrameMapping> owned_;
	std::array<Begun, kMaxPlanes> begun_{};
	std::size_t begunCount_ = 0;
};

} /* namespace cmacam */
