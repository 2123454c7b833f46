/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory as the device reaches it: DMA addresses to host memory.
 */
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "unique_fd.h"

namespace cmacam::board::vfio_user {

/*
 * The protocol wants DMA_UNMAP answered only after the device has let go of
 * the range, transfers in flight included. So a user of guest memory does not
 * get a pointer but a lease, which the mapping counts; unmap() first takes the
 * mapping out of the table, so that no new lease can start, and then waits for
 * the last one to end. Shared ownership alone would keep the pages mapped here
 * and let a frame run on into memory that the guest has given to someone else.
 *
 * A thread that holds a lease must not call unmap(), unmapAll() or setMaster().
 */
class GuestMemory
{
	struct Mapping;

public:
	class Lease
	{
	public:
		Lease() = default;
		Lease(Lease &&other) noexcept;
		Lease &operator=(Lease &&) = delete;
		~Lease();

		explicit operator bool() const { return memory_; }
		std::span<std::byte> bytes() const { return bytes_; }

	private:
		friend class GuestMemory;

		Lease(GuestMemory &memory, Mapping &mapping, std::span<std::byte> bytes);

		GuestMemory *memory_ = nullptr; /* null: empty */
		Mapping *mapping_ = nullptr;
		std::span<std::byte> bytes_;
	};

	GuestMemory();
	~GuestMemory();

	/*
	 * Both return 0 or an errno. A range without a descriptor is known, so
	 * that it can be unmapped, but not reachable.
	 */
	int map(uint64_t address, uint64_t size, uint32_t flags, UniqueFd fd, uint64_t offset);
	int unmap(uint64_t address, uint64_t size);
	void unmapAll();

	/*
	 * Access to `size` bytes at `address`, or an empty lease unless all of
	 * them lie in one writable mapping and the device is bus master.
	 */
	Lease acquire(uint64_t address, uint64_t size);

	/* PCI bus mastering; taking it away waits for every lease. */
	void setMaster(bool master);

	std::size_t count() const;

private:
	using Table = std::map<uint64_t, std::unique_ptr<Mapping>>;

	void release(Mapping &mapping);
	static bool leased(const Table &table);

	/* Guards the table, the counts of leases in it, and master_. */
	mutable std::mutex mutex_;
	std::condition_variable released_;
	Table mappings_;
	bool master_ = false;
};

} /* namespace cmacam::board::vfio_user */
