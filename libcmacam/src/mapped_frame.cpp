/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU access to a camera frame, without a copy.
 */

#include <cmacam/mapped_frame.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace cmacam {

FrameMapping::Area::Area(UniqueFd fd, std::byte *base, std::size_t size, ino_t inode)
	: fd_(std::move(fd)), base_(base), size_(size), inode_(inode)
{
}

FrameMapping::Area::Area(Area &&other) noexcept
	: fd_(std::move(other.fd_)),
	  base_(std::exchange(other.base_, nullptr)),
	  size_(other.size_),
	  inode_(other.inode_)
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
		return Error{errno,
			     std::string("cannot look at the dma-buf: ") + std::strerror(errno)};

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
		return Error{errno, "cannot map " + std::to_string(*size) +
					    " bytes of the dma-buf: " + std::strerror(errno)};

	areas_.emplace_back(*std::move(copy), static_cast<std::byte *>(base), *size, status.st_ino);

	return areas_.size() - 1;
}

Result<FrameMapping> FrameMapping::map(const FrameLayout &layout, Access access)
{
	FrameMapping mapping(layout.format, access);

	for (const PlaneLayout &plane : layout.planes) {
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

		mapping.planes_.push_back({*area, plane});
	}

	return mapping;
}

Result<MappedFrame> FrameMapping::begin() const
{
	return MappedFrame::begin(*this);
}

Result<MappedFrame> MappedFrame::begin(const FrameMapping &mapping)
{
	MappedFrame frame(mapping.format_, mapping.access_);

	for (const FrameMapping::Area &area : mapping.areas_) {
		/* On failure the destructor ends what is in open_ so far. */
		if (Result<void> result = beginCpuAccess(area.fd(), mapping.access_); !result)
			return result.error();

		frame.open_.push_back(area.fd());
	}

	for (const FrameMapping::Plane &plane : mapping.planes_) {
		const PlaneLayout &layout = plane.layout;
		const std::byte *base = mapping.areas_[plane.area].base() + layout.offset;

		frame.planes_.push_back({{base, layout.length},
					 layout.width,
					 layout.height,
					 layout.stride,
					 layout.sampleSize});
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

MappedFrame::MappedFrame(MappedFrame &&other) noexcept
	: format_(other.format_),
	  access_(other.access_),
	  owned_(std::exchange(other.owned_, std::nullopt)),
	  open_(std::exchange(other.open_, {})),
	  planes_(std::exchange(other.planes_, {}))
{
}

MappedFrame &MappedFrame::operator=(MappedFrame &&other) noexcept
{
	if (this != &other) {
		static_cast<void>(end());
		format_ = other.format_;
		access_ = other.access_;
		owned_ = std::exchange(other.owned_, std::nullopt);
		open_ = std::exchange(other.open_, {});
		planes_ = std::exchange(other.planes_, {});
	}

	return *this;
}

MappedFrame::~MappedFrame()
{
	/* Nobody is left to tell; end() is there for those who want to know. */
	static_cast<void>(end());
}

Result<void> MappedFrame::end()
{
	std::optional<Error> first;

	planes_.clear();
	for (int fd : std::exchange(open_, {})) {
		Result<void> result = endCpuAccess(fd, access_);
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
	if (access_ == Access::Read || index >= planes_.size())
		return {};

	std::span<const std::byte> data = planes_[index].data;
	return {const_cast<std::byte *>(data.data()), data.size()};
}

} /* namespace cmacam */
