/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory as the device reaches it: DMA addresses to host memory.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <span>

#include "unique_fd.h"

namespace cmacam::vfio_user {

/*
 * The protocol wants DMA_UNMAP answered only after the device has let go of
 * the range, transfers in flight included. So a user of guest memory does not
 * get a pointer but a lease, which holds the mapping's lock shared for as long
 * as it lives; unmap() first takes the mapping out of the table, so that no new
 * lease can start, and then takes that lock exclusively, which waits for the
 * last lease. A shared_ptr alone would keep the pages mapped here and let a
 * frame run on into memory that the guest has given to someone else.
 *
 * A thread that holds a lease must not call unmap() or setMaster().
 */
class GuestMemory
{
	struct Mapping;

public:
	class Lease
	{
	public:
		Lease() = default;
		Lease(Lease &&) = default;
		/* Would drop the old mapping before the old lock. */
		Lease &operator=(Lease &&) = delete;

		explicit operator bool() const { return !bytes_.empty(); }
		std::span<std::byte> bytes() const { return bytes_; }

	private:
		friend class GuestMemory;

		Lease(std::shared_ptr<Mapping> mapping, std::span<std::byte> bytes);

		/* The lock lies in the mapping: it has to be released first. */
		std::shared_ptr<Mapping> mapping_;
		std::shared_lock<std::shared_mutex> lock_;
		std::span<std::byte> bytes_;
	};

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
	/* Guards the table and master_; never held while waiting for a lease. */
	mutable std::mutex mutex_;
	std::map<uint64_t, std::shared_ptr<Mapping>> mappings_;
	bool master_ = false;
};

} /* namespace cmacam::vfio_user */
