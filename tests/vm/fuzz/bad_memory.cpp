/* SPDX-License-Identifier: MIT */
#include "bad_memory.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

#include "limits.h"

namespace fuzz {

namespace {

constexpr bool k64Bits = sizeof(uintptr_t) == sizeof(uint64_t);

/* A null pointer, an address of the kernel, one that no CPU accepts, and the largest one. */
constexpr std::array<uintptr_t, 4> kNobodysAddresses = {
	0,
	k64Bits ? static_cast<uintptr_t>(0xffff888000000000) : 0xc0008000,
	/* A CPU of 32 bits accepts all addresses. This one is not of user space. */
	k64Bits ? static_cast<uintptr_t>(0x8000000000000000) : 0xfffff000,
	UINTPTR_MAX,
};

} /* namespace */

support::Fd BadMemory::makeFile()
{
	support::Fd file(memfd_create("bad-memory", MFD_CLOEXEC), "memfd_create");
	if (ftruncate(file, 2 * kPage))
		support::fail("ftruncate");
	return file;
}

BadMemory::BadMemory(const support::Fd &file)
	: writable_(file, 0, kPage), readOnly_(file, 0, 2 * kPage, PROT_READ)
{
	if (mprotect(readOnly_.data() + kPage, kPage, PROT_NONE))
		support::fail("mprotect");
}

void *BadMemory::addressFor(Random &random, std::span<const std::byte> argument)
{
	const uint32_t dice = random.below(3);
	if (dice == 0)
		return reinterpret_cast<void *>(random.pick(kNobodysAddresses));

	/* Either all of it lies in the page, or the last bytes would lie behind it. */
	const size_t size = argument.size();
	const size_t missing = dice == 1 ? 0 : random.between(1, size);
	const size_t place = kPage - size + missing;
	memcpy(writable_.data() + place, argument.data(), size - missing);
	return readOnly_.data() + place;
}

} /* namespace fuzz */
