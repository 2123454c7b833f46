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
 * program that reads many frames should keep one FrameMapping for each buffer while
 * the program uses the buffer. For each frame, the program begins a MappedFrame on
 * this mapping. The program may read the pixels only while the MappedFrame exists.
 *
 * The mapping has duplicates of the file descriptors. So the mapping stays valid
 * after the camera and the file descriptors of the layout were closed.
 */
class FrameMapping
{
public:
	/**
	 * Map the dma-bufs of a frame. A dma-buf with several planes is mapped once.
	 *
	 * \param[in] layout Where the planes are
	 * \param[in] access How the CPU uses the pixels
	 *
	 * \return The mapping; EINVAL if the planes do not fit the format and the size, if
	 * a plane reaches beyond its dma-buf, or if the lines of a plane overlap; else the
	 * errno of lseek(), fcntl() or mmap()
	 */
	static Result<FrameMapping> map(const FrameLayout &layout, Access access = Access::Read);

	/**
	 * Copy the pixels of a frame into ordinary memory, with the same strides.
	 *
	 * The copy does not depend on the frame and needs no synchronisation. The program
	 * may write to the copy.
	 *
	 * \param[in] frame The view of the pixels to copy
	 *
	 * \return The mapping of the copy; ENODATA if the access to \a frame has ended;
	 * ENOMEM
	 */
	static Result<FrameMapping> copyOf(const FrameView &frame);

	/**
	 * Take over the mapping of another object.
	 *
	 * \param[in] other The other object, which has no mapping afterwards
	 */
	FrameMapping(FrameMapping &&other) noexcept = default;

	/**
	 * Unmap the dma-bufs of this object and take over the mapping of another object.
	 *
	 * \param[in] other The other object, which has no mapping afterwards
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
	 * \return Where the planes are. The mapping owns the file descriptors. In a copy,
	 * all file descriptors are -1
	 */
	const FrameLayout &layout() const { return layout_; }

	/** \return The access that the pixels were mapped for */
	Access access() const { return access_; }

	/**
	 * Begin CPU access to the mapped frame.
	 *
	 * \return The mapped frame; the errors of MappedFrame::begin()
	 */
	Result<MappedFrame> begin() const;

	/**
	 * Begin CPU access to a part of the mapped frame.
	 *
	 * \param[in] rect The part, in pixels of the frame
	 *
	 * \return The mapped frame; the errors of MappedFrame::roi()
	 */
	Result<MappedFrame> begin(const Rect &rect) const;

private:
	friend class MappedFrame;

	/*
	 * An area is a dma-buf that is mapped from its start, or ordinary memory without a
	 * file descriptor. If a dma-buf supports only access to the whole, the first access
	 * to a part sets wholeOnly_. wholeOnly_ is atomic, because several threads may set
	 * wholeOnly_ at the same time.
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
 * The access begins when the object is made. The access ends when end() is called
 * or the object is destroyed. The pixels are valid only during the access. The
 * access must end before the buffer goes back to the camera, that is, before the
 * buffer's libcamera request is queued again or its GstBuffer is unreferenced.
 *
 * If the mapping was made with Access::Read, the pixels are read-only: a write to a
 * pixel ends the process with SIGSEGV.
 */
class MappedFrame : public FrameView
{
public:
	/**
	 * Begin access to a mapped frame.
	 *
	 * \param[in] mapping The mapping, which must outlive the access. The program may
	 * move the mapping object during the access
	 *
	 * \return The mapped frame; the error of beginCpuAccess(). After an error no access
	 * has begun
	 */
	static Result<MappedFrame> begin(const FrameMapping &mapping);

	/**
	 * Begin access to a part of a mapped frame.
	 *
	 * The planes begin with the sample at the upper left corner of the part and have
	 * the size of the part. The bytes between two lines of a plane belong to pixels
	 * outside of the part, and may be older. If the samples of a plane describe several
	 * pixels, the plane is rounded out to whole samples. See samplesOf(). If the format
	 * is a Bayer format and \a rect begins at an even column and an even line, the
	 * first pixel of the part is red.
	 *
	 * For a buffer of vb2-cma, the kernel maintains the CPU caches only for the part.
	 * For other buffers, the kernel maintains the CPU caches for the whole buffer. A
	 * program may access several parts and the whole frame at the same time.
	 *
	 * \param[in] mapping The mapping, which must outlive the access. The program may
	 * move the mapping object during the access
	 * \param[in] rect The part, in pixels of the frame
	 *
	 * \return The mapped part; EINVAL if \a rect is empty or not within the frame; the
	 * error of beginCpuAccess(). After an error no access has begun
	 */
	static Result<MappedFrame> roi(const FrameMapping &mapping, const Rect &rect);

	/* FrameView::roi() of the base class makes a view and begins no access. */
	using FrameView::roi;

	/**
	 * Map a frame and begin access to the frame. When the access ends, the frame is
	 * unmapped.
	 *
	 * \param[in] layout Where the planes are
	 * \param[in] access How the CPU uses the pixels
	 *
	 * \return The mapped frame; the errors of FrameMapping::map() and of begin()
	 */
	static Result<MappedFrame> map(const FrameLayout &layout, Access access = Access::Read);

	/**
	 * Take over the access of another mapped frame.
	 *
	 * \param[in] other The other mapped frame, which is an empty view afterwards
	 */
	MappedFrame(MappedFrame &&other) noexcept;

	/**
	 * End the access of this object and take over the access of another mapped frame.
	 *
	 * \param[in] other The other mapped frame, which is an empty view afterwards
	 *
	 * \return This mapped frame
	 */
	MappedFrame &operator=(MappedFrame &&other) noexcept;

	/** End the access with end() and ignore any error. */
	~MappedFrame();

	/**
	 * End the access now. This object is an empty view afterwards.
	 *
	 * If endCpuAccess() fails for one dma-buf, the function still ends the access to
	 * all other dma-bufs.
	 *
	 * \return The first error of endCpuAccess()
	 */
	Result<void> end();

	/**
	 * Get the bytes of a plane for writing.
	 *
	 * \param[in] index Number of the plane, from 0
	 *
	 * \return All lines, with the padding between the lines; an empty span if the
	 * mapping is read-only
	 */
	std::span<std::byte> writable(std::size_t index);

private:
	/*
	 * A dma-buf whose access has begun and must be ended. The mapping owns the file
	 * descriptor.
	 */
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

	/* The arrays have a fixed size, so that a MappedFrame costs no allocation. */
	Access access_;
	std::optional<FrameMapping> owned_;
	std::array<Begun, kMaxPlanes> begun_{};
	std::size_t begunCount_ = 0;
};

} /* namespace cmacam */
