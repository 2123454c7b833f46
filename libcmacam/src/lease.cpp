/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who holds which buffer of a camera, and for how long.
 */

#include <cmacam/lease.h>

#include <algorithm>
#include <cassert>
#include <cstdio>

namespace cmacam {

/* The caller has the lock. */
LeaseTable::Id LeaseTable::add(unsigned int buffer, std::uint32_t sequence)
{
	auto entry = std::ranges::find(entries_, false, &Entry::used);
	if (entry == entries_.end())
		entry = entries_.emplace(entries_.end());

	*entry = {true, buffer, sequence, Clock::now(), {}};

	return static_cast<Id>(entry - entries_.begin());
}

LeaseTable::Id LeaseTable::take(unsigned int buffer, std::uint32_t sequence)
{
	std::lock_guard lock(mutex_);
	return add(buffer, sequence);
}

LeaseTable::Id LeaseTable::share(Id lease)
{
	std::lock_guard lock(mutex_);
	assert(entries_.at(lease).used);
	const unsigned int buffer = entries_[lease].buffer;
	const std::uint32_t sequence = entries_[lease].sequence;

	return add(buffer, sequence);
}

bool LeaseTable::end(Id lease)
{
	std::lock_guard lock(mutex_);
	assert(entries_.at(lease).used);
	entries_[lease].used = false;

	return std::ranges::none_of(entries_, [&](const Entry &entry) {
		return entry.used && entry.buffer == entries_[lease].buffer;
	});
}

void LeaseTable::name(Id lease, std::string_view holder)
{
	std::lock_guard lock(mutex_);
	auto &name = entries_.at(lease).name;
	name.fill('\0');
	std::ranges::copy(holder.substr(0, name.size() - 1), name.begin());
}

std::vector<Holder> LeaseTable::holders() const
{
	std::vector<Holder> holders;
	{
		std::lock_guard lock(mutex_);
		const Clock::time_point now = Clock::now();
		for (const Entry &entry : entries_) {
			if (entry.used)
				holders.push_back({entry.name.data(), entry.buffer, entry.sequence,
						   now - entry.since});
		}
	}
	std::ranges::stable_sort(holders, std::greater(), &Holder::held);

	return holders;
}

std::string LeaseTable::describe() const
{
	const std::vector<Holder> all = holders();
	std::vector<std::string> told;
	std::string text;

	for (const Holder &first : all) {
		if (std::ranges::count(told, first.name))
			continue;
		told.push_back(first.name);

		std::string frames;
		unsigned int count = 0;
		for (const Holder &holder : all) {
			if (holder.name != first.name)
				continue;
			frames += (count++ ? ", " : "") + std::to_string(holder.sequence);
		}

		char seconds[32];
		std::snprintf(seconds, sizeof(seconds), "%.1f",
			      std::chrono::duration<double>(first.held).count());
		text += (text.empty() ? "" : "; ") +
			(first.name.empty() ? std::string("an unnamed holder") : first.name) +
			" holds " + std::to_string(count) + (count == 1 ? " buffer" : " buffers") +
			(count == 1 ? " (frame " : " (frames ") + frames + "; " + seconds + " s)";
	}

	return text.empty() ? "nobody holds a buffer" : text;
}

} /* namespace cmacam */
