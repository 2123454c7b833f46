/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory as the device reaches it: DMA addresses to host memory.
 */
#include "vfio_user/guest_memory.h"

#include <cerrno>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>

#include "vfio_user/protocol.h"

namespace cmacam::vfio_user {

struct GuestMemory::Mapping
{
	Mapping(uint64_t mappingSize, void *host) : size(mappingSize), memory(host) {}
	Mapping(const Mapping &) = delete;
	Mapping &operator=(const Mapping &) = delete;
	~Mapping()
	{
		if (memory)
			munmap(memory, size);
	}

	void waitForLeases() { std::unique_lock lock(inUse); }

	const uint64_t size;
	void *const memory; /* null: not reachable, or read-only */
	std::shared_mutex inUse;
};

GuestMemory::Lease::Lease(std::shared_ptr<Mapping> mapping, std::span<std::byte> bytes)
	: mapping_(std::move(mapping)), lock_(mapping_->inUse), bytes_(bytes)
{
}

int GuestMemory::map(uint64_t address, uint64_t size, uint32_t flags, UniqueFd fd, uint64_t offset)
{
	constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

	if (!size || address > kMax - size || offset > kMax - size)
		return EINVAL;

	std::lock_guard lock(mutex_);

	/* The first mapping that ends behind `address` must start behind the new one. */
	auto next = mappings_.lower_bound(address);
	if (next != mappings_.end() && next->first < address + size)
		return EEXIST;
	if (next != mappings_.begin()) {
		auto previous = std::prev(next);
		if (previous->first + previous->second->size > address)
			return EEXIST;
	}

	void *memory = nullptr;
	if (fd.isValid() && (flags & kDmaWrite)) {
		/* Touching pages behind the end of a file would raise SIGBUS. */
		struct stat status;
		if (fstat(fd.get(), &status) < 0)
			return errno;
		if (S_ISREG(status.st_mode) &&
		    static_cast<uint64_t>(status.st_size) < offset + size)
			return EINVAL;

		memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(),
			      static_cast<off_t>(offset));
		if (memory == MAP_FAILED)
			return errno;
	}

	mappings_.emplace(address, std::make_shared<Mapping>(size, memory));
	return 0;
}

int GuestMemory::unmap(uint64_t address, uint64_t size)
{
	std::shared_ptr<Mapping> mapping;
	{
		std::lock_guard lock(mutex_);
		auto found = mappings_.find(address);
		if (found == mappings_.end() || found->second->size != size)
			return ENOENT;
		mapping = std::move(found->second);
		mappings_.erase(found);
	}

	mapping->waitForLeases();
	return 0;
}

void GuestMemory::unmapAll()
{
	std::map<uint64_t, std::shared_ptr<Mapping>> mappings;
	{
		std::lock_guard lock(mutex_);
		mappings.swap(mappings_);
	}

	for (auto &[address, mapping] : mappings)
		mapping->waitForLeases();
}

GuestMemory::Lease GuestMemory::acquire(uint64_t address, uint64_t size)
{
	std::lock_guard lock(mutex_);

	if (!master_ || !size)
		return {};

	auto next = mappings_.upper_bound(address);
	if (next == mappings_.begin())
		return {};

	const auto &[base, mapping] = *std::prev(next);
	const uint64_t offset = address - base;
	if (!mapping->memory || offset >= mapping->size || size > mapping->size - offset)
		return {};

	/*
	 * The lease's lock is taken inside the table's, and it cannot wait:
	 * unmap() takes it exclusively only after the mapping left the table,
	 * setMaster() only after master_ was cleared.
	 */
	return {mapping, {static_cast<std::byte *>(mapping->memory) + offset, size}};
}

void GuestMemory::setMaster(bool master)
{
	std::vector<std::shared_ptr<Mapping>> mappings;
	{
		std::lock_guard lock(mutex_);
		if (std::exchange(master_, master) && !master) {
			for (auto &[address, mapping] : mappings_)
				mappings.push_back(mapping);
		}
	}

	for (auto &mapping : mappings)
		mapping->waitForLeases();
}

std::size_t GuestMemory::count() const
{
	std::lock_guard lock(mutex_);
	return mappings_.size();
}

} /* namespace cmacam::vfio_user */
