/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU access to a camera frame, without a copy.
 */

#include <cmacam/mapped_frame.h>

#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

#include "errno_error.h"

namespace cmacam {

FrameMapping::Area::Area(UniqueFd fd, std::byte *base, std::size_t size, ino_t inode)
	: fd_(std::move(fd)), base_(base), size_(size), inode_(inode)
{
}

FrameMapping::Area::Area(Area &&other) noexcept
	: fd_(std::move(other.fd_)),
	  base_(std::exchange(other.base_, nullptr)),
	  size_(other.size_),
	  inode_(other.inode_),
	  wholeOnly_(other.wholeOnly())
{
}

FrameMapping::Area &FrameMapping::Area::operator=(Area &&other) noexcept
{
	if (this != &other) {
		unmap();
		fd_ = std::move(other.fd_);
		base_ = std::exchange(other.base_, nullptr);
		size_ = other.size_;
		inode_ = other.inode_;
		wholeOnly_ = other.wholeOnly();
	}

	return *this;
}

FrameMapping::Area::~Area()
{
	unmap();
}

void FrameMapping::Area::unmap()
{
	if (base_)
		munmap(base_, size_);
}

/*
 * The index of the area that maps fd, which is mapped if it was not yet. Every
 * dma-buf has an inode of its own, which tells it whatever the descriptor.
 */
Result<std::size_t> FrameMapping::areaOf(int fd)
{
	struct stat status{};
	if (fstat(fd, &status) < 0)
		return fromErrno("cannot inspect the dma-buf");

	for (std::size_t i = 0; i < areas_.size(); i++) {
		if (areas_[i].inode() == status.st_ino)
			return i;
	}

	Result<std::size_t> size = dmaBufSize(fd);
	if (!size)
		return size.error();

	Result<UniqueFd> copy = duplicateFd(fd);
	if (!copy)
		return copy.error();

	const int protection = access_ == Access::Read ? PROT_READ : PROT_READ | PROT_WRITE;
	void *base = mmap(nullptr, *size, protection, MAP_SHARED, copy->get(), 0);
	if (base == MAP_FAILED)
		return fromErrno("cannot map " + std::to_string(*size) + " bytes of the dma-buf");

	areas_.emplace_back(*std::move(copy), static_cast<std::byte *>(base), *size, status.st_ino);

	return areas_.size() - 1;
}

Result<FrameMapping> FrameMapping::map(const FrameLayout &layout, Access access)
{
	const FormatInfo &info = formatInfo(layout.format);
	if (layout.planes.size() != info.planeCount)
		return Error{EINVAL, std::string(info.name) + " has " +
					     std::to_string(info.planeCount) +
					     " planes, the frame has " +
					     std::to_string(layout.planes.size())};

	FrameMapping mapping(layout, access);

	for (std::size_t i = 0; i < layout.planes.size(); i++) {
		const PlaneLayout &plane = layout.planes[i];
		const PlaneFormat &format = info.planes[i];
		if (plane.sampleSize != format.sampleSize ||
		    plane.width != layout.width / format.horizontal ||
		    plane.height != layout.height / format.vertical)
			return Error{EINVAL, "plane " + std::to_string(i) + " of " +
						     std::to_string(plane.width) + "x" +
						     std::to_string(plane.height) +
						     " samples does not fit " + info.name + " at " +
						     std::to_string(layout.width) + "x" +
						     std::to_string(layout.height)};

		Result<std::size_t> area = mapping.areaOf(plane.fd);
		if (!area)
			return area.error();

		const std::size_t size = mapping.areas_[*area].size();
		const std::size_t used = static_cast<std::size_t>(plane.stride) * plane.height;
		if (plane.offset > size || plane.length > size - plane.offset ||
		    used > plane.length)
			return Error{EINVAL, "a plane of " + std::to_string(used) + " bytes at " +
						     std::to_string(plane.offset) +
						     " does not fit into the dma-buf of " +
						     std::to_string(size) + " bytes"};
		if (plane.stride / plane.sampleSize < plane.width)
			return Error{EINVAL, "lines of " + std::to_string(plane.width) +
						     " samples overlap at a stride of " +
						     std::to_string(plane.stride) + " bytes"};

		mapping.areaOfPlane_[i] = *area;
		mapping.layout_.planes[i].fd = mapping.areas_[*area].fd();
	}

	return mapping;
}

Result<FrameMapping> FrameMapping::copyOf(const FrameView &frame)
{
	if (frame.planes().empty())
		return Error{ENODATA, "no pixels to copy: the access to the frame has ended"};

	FrameLayout layout{frame.format(), frame.width(), frame.height(), {}};
	std::size_t size = 0;
	for (const MappedPlane &plane : frame.planes()) {
		layout.planes.push_back({-1, size, plane.data.size(), plane.width, plane.height,
					 plane.stride, plane.sampleSize});
		size += plane.data.size();
	}

	constexpr int kKind = MAP_PRIVATE | MAP_ANONYMOUS;
	/* mmap() refuses a size of 0. NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions) */
	void *base = mmap(nullptr, size, PROT_READ | PROT_WRITE, kKind, -1, 0);
	if (base == MAP_FAILED)
		return fromErrno("cannot allocate " + std::to_string(size) + " bytes for a copy");

	FrameMapping mapping(layout, Access::ReadWrite);
	mapping.areas_.emplace_back(UniqueFd(), static_cast<std::byte *>(base), size, 0);
	for (std::size_t i = 0; i < layout.planes.size(); i++) {
		const std::span<const std::byte> data = frame.planes()[i].data;
		std::memcpy(mapping.base(i), data.data(), data.size());
	}

	return mapping;
}

std::byte *FrameMapping::base(std::size_t plane) const
{
	return areas_[areaOfPlane_[plane]].base() + layout_.planes[plane].offset;
}

Result<MappedFrame> FrameMapping::begin() const
{
	return MappedFrame::begin(*this);
}

Result<MappedFrame> FrameMapping::begin(const Rect &rect) const
{
	return MappedFrame::roi(*this, rect);
}

Result<void> MappedFrame::beginWhole(const FrameMapping::Area &area)
{
	if (area.fd() < 0)
		return {};

	for (std::size_t i = 0; i < begunCount_; i++) {
		if (begun_[i].fd == area.fd() && !begun_[i].part)
			return {};
	}

	Result<void> result = beginCpuAccess(area.fd(), access_);
	if (result)
		begun_[begunCount_++] = {area.fd(), std::nullopt};

	return result;
}

/* Begins the whole, once, where there are no parts. */
Result<void> MappedFrame::beginPart(const FrameMapping::Area &area, const ByteRect &part)
{
	if (area.fd() < 0 || area.wholeOnly())
		return beginWhole(area);

	Result<void> result = beginCpuAccess(area.fd(), access_, part);
	if (result) {
		begun_[begunCount_++] = {area.fd(), part};
		return result;
	}
	if (result.error().code != EOPNOTSUPP)
		return result;

	area.setWholeOnly();
	return beginWhole(area);
}

Result<MappedFrame> MappedFrame::begin(const FrameMapping &mapping)
{
	MappedFrame frame(mapping, mapping.width(), mapping.height());

	for (const FrameMapping::Area &area : mapping.areas_) {
		/* On failure the destructor ends what has begun so far. */
		if (Result<void> result = frame.beginWhole(area); !result)
			return result.error();
	}

	for (const PlaneLayout &layout : mapping.layout_.planes) {
		const std::byte *base = mapping.base(frame.planeCount_);

		frame.planes_[frame.planeCount_++] = {{base, layout.length},
						      layout.width,
						      layout.height,
						      layout.stride,
						      layout.sampleSize};
	}

	return frame;
}

Result<MappedFrame> MappedFrame::roi(const FrameMapping &mapping, const Rect &rect)
{
	MappedFrame frame(mapping, rect.width, rect.height);
	frame.columnPhase_ = rect.x % 2;
	frame.linePhase_ = rect.y % 2;

	for (std::size_t i = 0; i < mapping.layout_.planes.size(); i++) {
		const PlaneLayout &layout = mapping.layout_.planes[i];
		const Result<Rect> samples = samplesOf(mapping.layout_, i, rect);
		if (!samples)
			return samples.error();

		const std::size_t start = static_cast<std::size_t>(samples->y) * layout.stride +
					  static_cast<std::size_t>(samples->x) * layout.sampleSize;
		const ByteRect part{layout.offset + start, layout.stride,
				    samples->width * layout.sampleSize, samples->height};

		const FrameMapping::Area &area = mapping.areas_[mapping.areaOfPlane_[i]];
		if (Result<void> result = frame.beginPart(area, part); !result)
			return result.error();

		const std::size_t length =
			static_cast<std::size_t>(part.lines - 1) * part.stride + part.lineBytes;
		frame.planes_[frame.planeCount_++] = {{mapping.base(i) + start, length},
						      samples->width,
						      samples->height,
						      layout.stride,
						      layout.sampleSize};
	}

	return frame;
}

Result<MappedFrame> MappedFrame::map(const FrameLayout &layout, Access access)
{
	Result<FrameMapping> mapping = FrameMapping::map(layout, access);
	if (!mapping)
		return mapping.error();

	Result<MappedFrame> frame = begin(*mapping);
	if (frame)
		frame->owned_.emplace(*std::move(mapping));

	return frame;
}

MappedFrame::MappedFrame(MappedFrame &&other) noexcept : access_(other.access_)
{
	takeFrom(other);
}

MappedFrame &MappedFrame::operator=(MappedFrame &&other) noexcept
{
	if (this != &other) {
		static_cast<void>(end());
		access_ = other.access_;
		takeFrom(other);
	}

	return *this;
}

void MappedFrame::takeFrom(MappedFrame &other) noexcept
{
	owned_ = std::exchange(other.owned_, std::nullopt);
	begun_ = other.begun_;
	begunCount_ = std::exchange(other.begunCount_, 0);
	static_cast<FrameView &>(*this) = std::exchange(static_cast<FrameView &>(other), {});
}

MappedFrame::~MappedFrame()
{
	/* Nobody is left to tell; end() is there for those who want to know. */
	static_cast<void>(end());
}

Result<void> MappedFrame::end()
{
	std::optional<Error> first;

	static_cast<FrameView &>(*this) = {};
	for (const Begun &begun : std::span(begun_).first(std::exchange(begunCount_, 0))) {
		Result<void> result = begun.part ? endCpuAccess(begun.fd, access_, *begun.part)
						 : endCpuAccess(begun.fd, access_);
		if (!result && !first)
			first = result.error();
	}
	owned_.reset();

	if (first)
		return *std::move(first);

	return {};
}

std::span<std::byte> MappedFrame::writable(std::size_t index)
{
	if (access_ == Access::Read || index >= planeCount_)
		return {};

	std::span<const std::byte> data = planes_[index].data;
	return {const_cast<std::byte *>(data.data()), data.size()};
}

} /* namespace cmacam */
