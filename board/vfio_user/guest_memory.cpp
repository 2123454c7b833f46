/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory as the device reaches it: DMA addresses to host memory.
 */
#include "vfio_user/guest_memory.h"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <limits>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>

#include "vfio_user/protocol.h"

namespace cmacam::board::vfio_user {

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

	const uint64_t size;
	void *const memory; /* null: not reachable, or read-only */
	unsigned int leases = 0;
};

GuestMemory::Lease::Lease(GuestMemory &memory, Mapping &mapping, std::span<std::byte> bytes)
	: memory_(&memory), mapping_(&mapping), bytes_(bytes)
{
}

GuestMemory::Lease::Lease(Lease &&other) noexcept
	: memory_(std::exchange(other.memory_, nullptr)),
	  mapping_(other.mapping_),
	  bytes_(std::exchange(other.bytes_, {}))
{
}

GuestMemory::Lease::~Lease()
{
	if (memory_)
		memory_->release(*mapping_);
}

GuestMemory::GuestMemory() = default;
GuestMemory::~GuestMemory() = default;

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

	mappings_.emplace(address, std::make_unique<Mapping>(size, memory));
	return 0;
}

int GuestMemory::unmap(uint64_t address, uint64_t size)
{
	std::unique_lock lock(mutex_);

	auto found = mappings_.find(address);
	if (found == mappings_.end() || found->second->size != size)
		return ENOENT;

	/* Out of the table: nobody can take a new lease while this one waits. */
	const std::unique_ptr<Mapping> mapping = std::move(found->second);
	mappings_.erase(found);
	released_.wait(lock, [&] { return !mapping->leases; });
	return 0;
}

void GuestMemory::unmapAll()
{
	std::unique_lock lock(mutex_);

	const Table table = std::exchange(mappings_, {});
	released_.wait(lock, [&] { return !leased(table); });
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

	mapping->leases++;
	return {*this, *mapping, {static_cast<std::byte *>(mapping->memory) + offset, size}};
}

void GuestMemory::release(Mapping &mapping)
{
	std::lock_guard lock(mutex_);

	/*
	 * Told with the lock held: once the count can be seen to be 0, the
	 * mapping may be gone, and this object with the server that waited.
	 */
	if (!--mapping.leases)
		released_.notify_all();
}

bool GuestMemory::leased(const Table &table)
{
	return std::ranges::any_of(table, [](const auto &entry) { return entry.second->leases; });
}

void GuestMemory::setMaster(bool master)
{
	std::unique_lock lock(mutex_);

	master_ = master;
	if (!master)
		released_.wait(lock, [this] { return !leased(mappings_); });
}

std::size_t GuestMemory::count() const
{
	std::lock_guard lock(mutex_);
	return mappings_.size();
}

} /* namespace cmacam::board::vfio_user */
