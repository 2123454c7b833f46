/* SPDX-License-Identifier: MIT */
#include "ioctls.h"

#include <sys/ioctl.h>

#include "mutation.h"

namespace fuzz {

namespace {

/* Shares of the calls in percent. */
constexpr uint32_t kMutated = 12;
constexpr uint32_t kBadAddress = 6;
constexpr uint32_t kWrongDescriptor = 4;

} /* namespace */

long Ioctls::send(Random &random, int fd, unsigned long request, std::span<std::byte> argument,
		  const std::function<void()> &restore)
{
	const uint32_t dice = random.below(100);
	if (dice < kBadAddress)
		return ioctl(fd, request, badMemory_.addressFor(random, argument));
	if (dice < kBadAddress + kWrongDescriptor)
		fd = descriptors_.wrong(random);
	else if (dice < kBadAddress + kWrongDescriptor + kMutated)
		mutate(random, argument);
	if (restore)
		restore();
	return ioctl(fd, request, argument.data());
}

} /* namespace fuzz */
