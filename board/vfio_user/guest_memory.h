/* SPDX-License-Identifier: MIT */
/*
 * The guest memory that the device can access. A table maps DMA addresses to host memory.
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
 * The protocol requires that the answer to DMA_UNMAP is sent only after the device has
 * stopped all accesses to the range. Therefore a user of guest memory gets a lease, not
 * a pointer, and each mapping counts its leases. unmap() first removes the mapping from
 * the table, so that no new lease can start. Then unmap() waits until the last lease has
 * ended.
 *
 * Shared ownership of the mapping would not be enough: after DMA_UNMAP, the pages would
 * stay mapped in the board's process. The board could then write the last bytes of a
 * frame to memory that the guest already uses for another purpose.
 *
 * A thread that holds a lease must not call unmap(), unmapAll() or setMaster().
 */
class GuestMemory
{
	struct Mapping;

public:
	/* Access to a range of guest memory. The destructor ends the access. */
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

		GuestMemory *memory_ = nullptr; /* null: the lease is empty */
		Mapping *mapping_ = nullptr;
		std::span<std::byte> bytes_;
	};

	GuestMemory();
	~GuestMemory();

	/*
	 * map() adds a mapping to the table, and unmap() removes a mapping. They return 0 on
	 * success and an errno on failure. A range without a descriptor is also in the table,
	 * so that the client can unmap it. The board cannot write to such a range.
	 */
	int map(uint64_t address, uint64_t size, uint32_t flags, UniqueFd fd, uint64_t offset);
	int unmap(uint64_t address, uint64_t size);
	void unmapAll();

	/*
	 * Returns a lease on `size` bytes at `address`. The lease is empty if no single
	 * writable mapping has all of these bytes, if `size` is 0, or if the device is not
	 * bus master.
	 */
	Lease acquire(uint64_t address, uint64_t size);

	/* Switches PCI bus mastering. If `master` is false, waits until all leases have ended. */
	void setMaster(bool master);

	/* Returns the number of mappings. */
	std::size_t count() const;

private:
	using Table = std::map<uint64_t, std::unique_ptr<Mapping>>;

	void release(Mapping &mapping);
	static bool leased(const Table &table);

	/* Guards the table, the number of leases of each mapping, and master_. */
	mutable std::mutex mutex_;
	std::condition_variable released_;
	Table mappings_;
	bool master_ = false;
};

} /* namespace cmacam::board::vfio_user */
