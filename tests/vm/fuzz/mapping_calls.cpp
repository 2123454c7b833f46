/* SPDX-License-Identifier: MIT */
#include "mapping_calls.h"

#include <algorithm>
#include <cerrno>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "mutation.h"

namespace fuzz {

namespace {

constexpr size_t pagesOf(size_t bytes)
{
	return (bytes + kPage - 1) / kPage * kPage;
}

constexpr std::array<int, 8> kProtections = {PROT_READ,
					     PROT_READ,
					     PROT_READ | PROT_WRITE,
					     PROT_READ | PROT_WRITE,
					     PROT_READ | PROT_WRITE,
					     PROT_WRITE,
					     PROT_NONE,
					     PROT_READ | PROT_EXEC};

/*
 * Two pieces of advice are missing: MADV_HWPOISON and MADV_SOFT_OFFLINE take pages of the machine
 * out of use for good. The last number is not a piece of advice.
 */
constexpr std::array kAdvice = {
	MADV_NORMAL,	 MADV_RANDOM,	     MADV_SEQUENTIAL,	  MADV_WILLNEED,
	MADV_DONTNEED,	 MADV_DONTNEED,	     MADV_FREE,		  MADV_REMOVE,
	MADV_DONTFORK,	 MADV_DOFORK,	     MADV_MERGEABLE,	  MADV_UNMERGEABLE,
	MADV_HUGEPAGE,	 MADV_NOHUGEPAGE,    MADV_DONTDUMP,	  MADV_DODUMP,
	MADV_WIPEONFORK, MADV_KEEPONFORK,    MADV_COLD,		  MADV_PAGEOUT,
	MADV_PAGEOUT,	 MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTNEED_LOCKED,
	MADV_COLLAPSE,	 MADV_GUARD_INSTALL, MADV_GUARD_REMOVE,	  99,
};

int mapFlags(Random &random)
{
	int flags = random.percent(90)	 ? MAP_SHARED
		    : random.percent(50) ? MAP_PRIVATE
					 : MAP_SHARED_VALIDATE | MAP_SYNC;
	if (random.percent(10))
		flags |= MAP_POPULATE;
	if (random.percent(5))
		flags |= MAP_LOCKED;
	if (random.percent(5))
		flags |= MAP_NORESERVE;
	return flags | (random.percent(5) ? MAP_FIXED_NOREPLACE : MAP_FIXED);
}

} /* namespace */

MappingCalls::MappingCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addCall("mmap node", 30, &MappingCalls::mapNode);
	addCall("mmap dma-buf", 30, &MappingCalls::mapDmaBuf);
	addCall("munmap", 20, &MappingCalls::unmap);
	addCall("mremap", 15, &MappingCalls::remap);
	addCall("madvise", 40, &MappingCalls::advise);
	addCall("mprotect", 15, &MappingCalls::protect);
	addCall("mlock", 6, &MappingCalls::lock);
	addCall("munlock", 4, &MappingCalls::unlock);
	addCall("msync", 4, &MappingCalls::synchronise);
	addCall("mincore", 4, &MappingCalls::residency);
}

/* Maps a buffer of this size, or a part of it, or more than it has. */
long MappingCalls::map(Random &random, int fd, uint64_t offset, size_t bytes)
{
	size_t length = pagesOf(bytes);
	const uint32_t pages = length / kPage;
	if (random.percent(25)) {
		const uint32_t first = random.below(pages);
		offset += first * kPage;
		length = random.between(1, pages - first) * kPage;
	}
	if (random.percent(3))
		length = static_cast<size_t>(boundary(random));
	if (random.percent(3))
		offset ^= uint64_t{1} << random.below(40);

	std::byte *const address = context_.arena.place(random);
	length = std::min({length, context_.arena.room(address), kSlotBytes});
	const int flags = mapFlags(random);
	void *const mapped = mmap(address, length, random.pick(kProtections), flags, fd,
				  static_cast<off_t>(offset));
	if (mapped != MAP_FAILED) {
		context_.arena.mapped({address, pagesOf(length)});
		return 0;
	}
	/* A call that fails may have removed what was there before. */
	const int error = errno;
	if ((flags & MAP_FIXED_NOREPLACE) != MAP_FIXED_NOREPLACE)
		context_.arena.release({address, length});
	errno = error;
	return -1;
}

long MappingCalls::mapNode(Random &random)
{
	const Kind kind = random.pick(kQueues);
	const int fd = context_.descriptors.node(random, kind);
	v4l2_buffer buffer{};
	buffer.type = bufferType(kind);
	buffer.index =
		random.below(std::max(context_.shared.queues[indexOf(kind)].buffers.load(), 1u));
	/* If there is no such buffer, the offset and the length are wrong. */
	if (ioctl(fd, VIDIOC_QUERYBUF, &buffer) || buffer.memory != V4L2_MEMORY_MMAP) {
		buffer.m.offset = buffer.index * kPage;
		buffer.length = kPage;
	}
	return map(random, fd, buffer.m.offset, buffer.length);
}

long MappingCalls::mapDmaBuf(Random &random)
{
	const DmaBuf *buffer = context_.descriptors.dmaBuf(random);
	return map(random, buffer ? static_cast<int>(buffer->fd) : -1, 0,
		   buffer ? buffer->bytes : kPage);
}

long MappingCalls::unmap(Random &random)
{
	const Arena::Range range =
		random.percent(50) ? context_.arena.whole(random) : context_.arena.part(random);
	const size_t bytes = random.percent(3) ? 0 : range.bytes;
	const int result = munmap(range.address, bytes);
	const int error = errno;
	if (result == 0)
		context_.arena.release({range.address, bytes});
	errno = error;
	return result;
}

long MappingCalls::moveTo(Random &random, Arena::Range from, size_t bytes, int flags)
{
	std::byte *const target = context_.arena.place(random);
	bytes = std::min({bytes, context_.arena.room(target), kSlotBytes});
	void *const moved = mremap(from.address, from.bytes, bytes, flags | MREMAP_FIXED, target);
	const int error = errno;
	/* The kernel removes what was at the target, even if the call fails later. */
	if (moved == MAP_FAILED) {
		context_.arena.release({target, bytes});
	} else {
		if (!(flags & MREMAP_DONTUNMAP))
			context_.arena.release(from);
		context_.arena.mapped({target, pagesOf(bytes)});
	}
	errno = error;
	return moved == MAP_FAILED ? -1 : 0;
}

long MappingCalls::remap(Random &random)
{
	const Arena::Range from =
		random.percent(70) ? context_.arena.whole(random) : context_.arena.part(random);
	const uint32_t pages = std::max<size_t>(from.bytes / kPage, 1);
	size_t bytes = from.bytes;
	if (random.percent(30))
		bytes = random.between(1, pages) * kPage;
	else if (random.percent(20))
		bytes += random.between(1, 64) * kPage;
	if (random.percent(60))
		return moveTo(random, from, bytes,
			      MREMAP_MAYMOVE | (random.percent(10) ? MREMAP_DONTUNMAP : 0));

	/* The other calls change the size where the mapping is. */
	bytes = std::min(bytes, context_.arena.room(from.address));
	void *const moved = mremap(from.address, from.bytes, bytes, 0);
	const int error = errno;
	if (moved != MAP_FAILED && bytes < from.bytes)
		context_.arena.release({from.address + bytes, from.bytes - bytes});
	errno = error;
	return moved == MAP_FAILED ? -1 : 0;
}

long MappingCalls::advise(Random &random)
{
	const Arena::Range range = context_.arena.part(random);
	return madvise(range.address, range.bytes, random.pick(kAdvice));
}

long MappingCalls::protect(Random &random)
{
	const Arena::Range range = context_.arena.part(random);
	const int protection =
		random.percent(95) ? random.pick(kProtections) : static_cast<int>(boundary(random));
	return mprotect(range.address, range.bytes, protection);
}

long MappingCalls::lock(Random &random)
{
	const Arena::Range range = context_.arena.part(random);
	return mlock(range.address, range.bytes);
}

long MappingCalls::unlock(Random &random)
{
	const Arena::Range range = context_.arena.part(random);
	return munlock(range.address, range.bytes);
}

long MappingCalls::synchronise(Random &random)
{
	const Arena::Range range = context_.arena.part(random);
	return msync(range.address, range.bytes, static_cast<int>(random.below(8)));
}

long MappingCalls::residency(Random &random)
{
	const Arena::Range range = context_.arena.part(random, Scratch::kBytes * kPage / 4);
	return mincore(range.address, range.bytes, context_.scratch.array<unsigned char>());
}

} /* namespace fuzz */
