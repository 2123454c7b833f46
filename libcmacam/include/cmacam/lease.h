/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * The leases on the buffers of a camera, with their holders.
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

/** The description of one lease in a report. */
struct Holder
{
	std::string name;	       /**< holder's name, from Frame::hold(); may be empty */
	unsigned int buffer;	       /**< index of the buffer */
	std::uint32_t sequence;	       /**< number of the frame in the buffer */
	std::chrono::nanoseconds held; /**< time since the start of the lease */
};

/**
 * The leases on a set of buffers.
 *
 * A buffer can have several leases. When the last lease on a buffer has ended, the
 * buffer is free. Any thread may call any function of the table. The table
 * allocates memory only if the number of leases exceeds its former maximum.
 */
class LeaseTable
{
public:
	using Id = unsigned int; /**< number of a lease, valid until end() */

	/**
	 * Take a lease on a buffer.
	 *
	 * \param[in] buffer Index of the buffer
	 * \param[in] sequence Number of the frame in the buffer
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
	 * \param[in] holder The name, of which the table keeps the first 31 bytes
	 */
	void name(Id lease, std::string_view holder);

	/** \return All leases, the oldest lease first */
	std::vector<Holder> holders() const;

	/**
	 * Describe all leases by a text, such as "detector holds 2 buffers (frames 5, 6;
	 * 2.1 s)".
	 *
	 * \return The descriptions of all holders, separated by "; ". The holder of the
	 * oldest lease comes first. If there is no lease, the text is "nobody holds a
	 * buffer"
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
