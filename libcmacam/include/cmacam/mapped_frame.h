/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU access to a camera frame, without a copy.
 */

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <sys/types.h>
#include <vector>

#include <cmacam/dma_buf.h>
#include <cmacam/frame.h>
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
	 * \return EINVAL if a plane reaches beyond its dma-buf; else the errno
	 * of lseek(), fcntl() or mmap()
	 */
	static Result<FrameMapping> map(const FrameLayout &layout, Access access = Access::Read);

	FrameMapping(FrameMapping &&) noexcept = default;
	FrameMapping &operator=(FrameMapping &&) noexcept = default;

	PixelFormat format() const { return format_; }
	Access access() const { return access_; }

	/** Open one period of CPU access; see MappedFrame::begin(). */
	Result<MappedFrame> begin() const;

private:
	friend class MappedFrame;

	/* One dma-buf, mapped from its start. */
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

	private:
		void unmap();

		UniqueFd fd_;
		std::byte *base_;
		std::size_t size_;
		ino_t inode_;
	};

	struct Plane
	{
		std::size_t area;
		PlaneLayout layout;
	};

	FrameMapping(PixelFormat format, Access access) : format_(format), access_(access) {}

	Result<std::size_t> areaOf(int fd);

	PixelFormat format_;
	Access access_;
	std::vector<Area> areas_;
	std::vector<Plane> planes_;
};

/** One plane of a mapped frame. */
struct MappedPlane
{
	std::span<const std::byte> data; /**< all lines, padding included */
	unsigned int width;		 /**< samples per line */
	unsigned int height;		 /**< lines */
	unsigned int stride;		 /**< bytes from one line to the next */
	unsigned int sampleSize;	 /**< bytes per sample */

	/** The samples of line \a y, without the padding. */
	std::span<const std::byte> line(unsigned int y) const
	{
		return data.subspan(static_cast<std::size_t>(y) * stride,
				    static_cast<std::size_t>(width) * sampleSize);
	}
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
class MappedFrame
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
	 * End the access now. The planes are gone afterwards.
	 *
	 * Every dma-buf is ended even if one fails.
	 *
	 * \return The first error of endCpuAccess()
	 */
	Result<void> end();

	PixelFormat format() const { return format_; }

	/** The planes of the format, in its order; empty after end(). */
	std::span<const MappedPlane> planes() const { return planes_; }

	/**
	 * The bytes of plane \a index for writing.
	 *
	 * \return An empty span if the mapping is read-only
	 */
	std::span<std::byte> writable(std::size_t index);

private:
	MappedFrame(PixelFormat format, Access access) : format_(format), access_(access) {}

	PixelFormat format_;
	Access access_;
	std::optional<FrameMapping> owned_;
	std::vector<int> open_; /* dma-bufs under access; owned by the mapping */
	std::vector<MappedPlane> planes_;
};

} /* namespace cmacam */
