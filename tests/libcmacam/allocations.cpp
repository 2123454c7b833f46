/* SPDX-License-Identifier: MIT */
/*
 * Counts the calls of operator new in this program.
 */

#include "allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<unsigned int> count;

} /* namespace */

unsigned int allocations()
{
	return count;
}

void *operator new(std::size_t size)
{
	count++;
	if (void *memory = std::malloc(size))
		return memory;
	throw std::bad_alloc();
}

void operator delete(void *memory) noexcept
{
	std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept
{
	std::free(memory);
}
