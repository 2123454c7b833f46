/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds which buffer of a camera, and for how long.
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

/** One lease, as it is reported. */
struct Holder
{
	std::string name;	       /**< as Frame::hold() was told; may be empty */
	unsigned int buffer;	       /**< index of the buffer */
	std::uint32_t sequence;	       /**< of the frame in it */
	std::chrono::nanoseconds held; /**< since the lease was taken */
};

/**
 * The leases on a set of buffers.
 *
 * A buffer can be leased several times; it is free when its last lease has
 * ended. Any thread may call anything. Nothing is allocated while there are no
 * more leases than there were once before.
 */
class LeaseTable
{
public:
	using Id = unsigned int;

	/** A lease on \a buffer, which holds frame number \a sequence. */
	Id take(unsigned int buffer, std::uint32_t sequence);

	/** A second lease on the same buffer; its holder has no name yet. */
	Id share(Id lease);

	/** \return Whether the buffer is free now */
	bool end(Id lease);

	/** Say who holds \a lease; what is longer than 31 bytes is cut off. */
	void name(Id lease, std::string_view holder);

	/** The leases there are, oldest first. */
	std::vector<Holder> holders() const;

	/**
	 * The leases in words: "detector holds 2 buffers (frames 5, 6; 2.1 s)",
	 * holders separated by "; " and by how long they have been holding.
	 * "nobody holds a buffer" if there is none.
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
