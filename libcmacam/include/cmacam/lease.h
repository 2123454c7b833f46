/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Leases: who holds which buffer of a camera, and for how long.
 */

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace cmacam {

/** A lease in a report. */
struct Holder
{
	std::string name;	       /**< the holder's name, from Frame::hold(); may be empty */
	unsigned int buffer;	       /**< index of the buffer */
	std::uint32_t sequence;	       /**< number of the frame in it */
	std::chrono::nanoseconds held; /**< time since the lease was taken */
};

/**
 * The leases on a set of buffers.
 *
 * A buffer can have several leases; it is free when its last lease has ended. Any
 * thread may call any function. The table allocates memory only when it has more
 * leases than ever before.
 */
class LeaseTable
{
public:
	using Id = unsigned int; /**< number of a lease; valid until end() */

	/**
	 * Take a lease.
	 *
	 * \param[in] buffer Index of the buffer
	 * \param[in] sequence Number of the frame in it
	 *
	 * \return The lease, whose holder has no name yet
	 */
	Id take(unsigned int buffer, std::uint32_t sequence);

	/**
	 * Take a second lease on the same buffer.
	 *
	 * \param[in] lease The first lease
	 *
	 * \return The second lease, whose holder has no name yet
	 */
	Id share(Id lease);

	/**
	 * End a lease.
	 *
	 * \param[in] lease The lease
	 *
	 * \return Whether the buffer is free now
	 */
	bool end(Id lease);

	/**
	 * Name the holder of a lease.
	 *
	 * \param[in] lease The lease
	 * \param[in] holder The name; the bytes after the first 31 are cut off
	 */
	void name(Id lease, std::string_view holder);

	/** \return All leases, the oldest one first */
	std::vector<Holder> holders() const;

	/**
	 * Describe all leases in words, such as "detector holds 2 buffers (frames 5, 6;
	 * 2.1 s)".
	 *
	 * \return The holders with "; " between them, the one of the oldest lease first;
	 * "nobody holds a buffer" if there is no lease
	 */
	std::string describe() const;

private:
	using Clock = std::chrono::steady_clock;

	struct Entry
	{
		bool used = false;
		unsigned int buffer = 0;
		std::uint32_t sequence = 0;
		Clock::time_point since;
		std::array<char, 32> name{};
	};

	Id add(unsigned int buffer, std::uint32_t sequence);

	mutable std::mutex mutex_;
	std::vector<Entry> entries_;
};

} /* namespace cmacam */
