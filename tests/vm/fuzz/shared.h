/* SPDX-License-Identifier: MIT */
/* An object in memory that a process shares with its children. */
#pragma once

#include <memory>
#include <new>
#include <sys/mman.h>

#include "support/error.h"

namespace fuzz {

template <typename T>
class Shared
{
public:
	Shared() : object_(new (allocate()) T()) {}

	T &operator*() const { return *object_; }
	T *operator->() const { return object_.get(); }

private:
	struct Unmap
	{
		void operator()(T *object) const
		{
			object->~T();
			munmap(object, sizeof(T));
		}
	};

	static void *allocate()
	{
		void *memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			support::fail("mmap of shared memory");
		return memory;
	}

	std::unique_ptr<T, Unmap> object_;
};

} /* namespace fuzz */
