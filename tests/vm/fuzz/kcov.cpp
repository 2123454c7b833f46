/* SPDX-License-Identifier: MIT */
#include "kcov.h"

#include <algorithm>
#include <atomic>
#include <linux/kcov.h>

namespace fuzz {

namespace {

/* The loops of a call that allocates large buffers need this room. */
constexpr size_t kWords = 1 << 18;

support::Fd openRecord()
{
	support::Fd file = support::Fd::open("/sys/kernel/debug/kcov", O_RDWR);
	if (ioctl(file, KCOV_INIT_TRACE, kWords))
		support::fail("KCOV_INIT_TRACE");
	return file;
}

} /* namespace */

Kcov::Kcov()
	: file_(openRecord()),
	  memory_(file_, 0, kWords * sizeof(uint64_t)),
	  words_(reinterpret_cast<uint64_t *>(memory_.data()))
{
}

void Kcov::enable() const
{
	if (ioctl(file_, KCOV_ENABLE, static_cast<unsigned long>(KCOV_TRACE_PC)))
		support::fail("KCOV_ENABLE");
}

void Kcov::collect(PcSet &set) const
{
	std::atomic_ref<uint64_t> count(words_[0]);
	const uint64_t recorded = std::min<uint64_t>(count, kWords - 1);
	for (uint64_t number = 1; number <= recorded; number++)
		set.insert(words_[number]);
	count = 0;
}

} /* namespace fuzz */
