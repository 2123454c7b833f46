/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a mapping of a buffer under the calls that change mappings.
 * The rules, for a mapping of the video node and for one of a dma-buf, whether
 * it was filled at once (mmap=populate) or by faults (mmap=fault):
 *
 * - It is shared memory. fork() gives the child the same pages; each sees what
 *   the other writes. The buffer lives until the last of them is gone.
 * - It may be moved (mremap) and made smaller, whole or in parts (munmap,
 *   mremap), but never larger, nor doubled, nor left behind by a move.
 * - mprotect() takes rights away and gives them back; what the file descriptor
 *   was not opened for (write access by a read-only dma-buf) is never given.
 * - madvise() loses no byte. MADV_DONTNEED and its kin drop page table entries
 *   and the next access finds the same pages again; advice that is meant for
 *   anonymous memory or for files is refused. MADV_DONTFORK keeps children
 *   from it, for good.
 * - After each of them the pages can still be pinned (vmsplice here).
 */

#include <array>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#include "../witness.h"
#include "camera.h"
#include "counters.h"

namespace {

/* read() and write() by the kernel say what a signal handler would have to tell otherwise. */
int whyNotReadable(const std::byte *address)
{
	int ends[2];
	EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0) << because();
	const Fd out(ends[0]);
	const Fd in(ends[1]);
	return write(in, address, 1) == 1 ? 0 : errno;
}

int whyNotWritable(std::byte *address)
{
	const Fd zero(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	return read(zero, address, 1) == 1 ? 0 : errno;
}

class Mappings : public testing::TestWithParam<Source>
{
protected:
	Mappings()
	{
		camera_ = std::make_unique<Camera>();
		camera_->setSize(kHd);
		must(camera_->request(2), "buffers");
		exported_ = camera_->exportBuffer(0);
		camera_->start(2);
		while (camera_->dequeue().index != 0)
			;
		size_ = wholePages(camera_->bufferBytes(0));
		before_ = copyOf(Mapping(exported_, 0, size_, PROT_READ).bytes());
		address_ = map();
	}

	~Mappings() override
	{
		unmap();
		expectMappings(0);
		camera_.reset();
		exported_.reset();
		expectNothingHeld();
	}

	std::byte *map()
	{
		Mapping mapping = GetParam() == Source::DmaBuf ? Mapping(exported_, 0, size_)
							       : camera_->map(0);
		return static_cast<std::byte *>(mapping.release());
	}

	/* Whatever a test has left of it. */
	void unmap()
	{
		if (address_)
			munmap(address_, size_);
		address_ = nullptr;
	}

	std::span<std::byte> bytes() const { return {address_, size_}; }

	/* The frame is there, unchanged, and the kernel can pin its pages. */
	void expectWhole(const std::byte *address) const { expectPart(address, 0, size_); }

	void expectPart(const std::byte *address, size_t offset, size_t size) const
	{
		/* Pinned before the CPU's look fills the page table: it must find them by itself.
		 */
		const auto wanted = std::span(before_).subspan(offset, size);
		const size_t part = std::min(size, 16 * kPage);
		int ends[2];
		ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0) << because();
		const Fd out(ends[0]);
		const Fd in(ends[1]);
		iovec vector{const_cast<std::byte *>(address), part};
		ASSERT_EQ(vmsplice(in, &vector, 1, 0), ssize_t(part)) << because();
		Bytes back(part);
		ASSERT_EQ(read(out, back.data(), part), ssize_t(part));
		EXPECT_TRUE(same(back, wanted.first(part)));

		EXPECT_TRUE(same({address, size}, wanted));
	}

	/* VMAs of the buffers under test. */
	static void expectMappings(uint64_t count)
	{
		EXPECT_EQ(liveMappings(), count) << contents(std::string(kDebugfs) + "buffers");
	}

	std::unique_ptr<Camera> camera_;
	Fd exported_;
	size_t size_ = 0;
	Bytes before_;
	std::byte *address_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Each, Mappings, testing::Values(Source::V4l2, Source::DmaBuf),
			 [](const auto &info) { return nameOf(info.param); });

TEST_P(Mappings, AChildSharesThePages)
{
	expectMappings(1);
	EXPECT_EQ(inChild([&] {
			  expectMappings(2);
			  expectWhole(address_);
			  address_[5] ^= std::byte{0xff};
			  return 0;
		  }),
		  0);
	expectMappings(1);
	before_[5] ^= std::byte{0xff};
	expectWhole(address_);
}

/* The child has nothing but the inherited mapping, and all else is gone. */
TEST_P(Mappings, AChildKeepsTheBuffer)
{
	std::array<int, 2> ends;
	ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
	const Fd out(ends[0]);
	Fd in(ends[1]);
	fflush(nullptr);
	const pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		in.reset();
		close(camera_->queue().fd());
		exported_.reset();
		char go;
		const bool fine = read(out, &go, 1) == 1 && same(bytes(), before_);
		_exit(fine ? 0 : 1);
	}
	unmap();
	camera_.reset();
	exported_.reset();
	expectMappings(1);
	EXPECT_EQ(liveBuffers().size(), 1u);

	/* Had its memory been freed, these would lie in it. */
	{
		Camera next;
		next.setSize(kHd);
		ASSERT_TRUE(next.request(4));
		for (unsigned int i = 0; i < 4; i++)
			memset(next.map(i).data(), 0xaa, size_);
	}
	ASSERT_EQ(write(in, "", 1), 1);
	int status;
	ASSERT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}

TEST_P(Mappings, AKilledChildLeavesNothing)
{
	fflush(nullptr);
	const pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			address_[0] = before_[0];
	}
	expectMappings(2);
	kill(child, SIGKILL);
	ASSERT_EQ(waitpid(child, nullptr, 0), child);
	expectMappings(1);
	expectWhole(address_);
}

TEST_P(Mappings, MovesWithItsPages)
{
	void *place = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(place, MAP_FAILED);
	ASSERT_EQ(mremap(address_, size_, size_, MREMAP_MAYMOVE | MREMAP_FIXED, place), place)
		<< because();
	EXPECT_EQ(whyNotReadable(address_), EFAULT) << "still at the old place";
	address_ = static_cast<std::byte *>(place);
	expectMappings(1);
	expectWhole(address_);
}

TEST_P(Mappings, NeverGrows)
{
	EXPECT_EQ(mremap(address_, size_, size_ + kPage, MREMAP_MAYMOVE), MAP_FAILED);
	EXPECT_EQ(errno, EFAULT);
	/* An old size of 0 asks for a second mapping of the same pages. */
	EXPECT_EQ(mremap(address_, 0, size_, MREMAP_MAYMOVE), MAP_FAILED);
	EXPECT_EQ(errno, EFAULT);
	EXPECT_EQ(mremap(address_, size_, size_, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, nullptr),
		  MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	expectMappings(1);
	expectWhole(address_);
}

TEST_P(Mappings, ShrinksAndDoesNotGrowBack)
{
	const size_t half = size_ / kPage / 2 * kPage;
	ASSERT_EQ(mremap(address_, size_, half, 0), address_) << because();
	EXPECT_EQ(whyNotReadable(address_ + half), EFAULT);
	expectPart(address_, 0, half);
	EXPECT_EQ(mremap(address_, half, size_, MREMAP_MAYMOVE), MAP_FAILED);
	EXPECT_EQ(errno, EFAULT);
	expectMappings(1);
}

TEST_P(Mappings, PartsCanBeUnmapped)
{
	const size_t third = size_ / kPage / 3 * kPage;
	ASSERT_EQ(munmap(address_ + third, third), 0) << because();
	expectMappings(2);
	expectPart(address_, 0, third);
	expectPart(address_ + 2 * third, 2 * third, size_ - 2 * third);
	EXPECT_EQ(whyNotReadable(address_ + third), EFAULT);

	ASSERT_EQ(munmap(address_, third), 0) << because();
	expectMappings(1);
	expectPart(address_ + 2 * third, 2 * third, size_ - 2 * third);
	EXPECT_EQ(whyNotReadable(address_), EFAULT);
}

TEST_P(Mappings, RightsGoAndComeBack)
{
	ASSERT_EQ(mprotect(address_, size_, PROT_READ), 0) << because();
	EXPECT_EQ(whyNotWritable(address_), EFAULT);
	expectWhole(address_);

	ASSERT_EQ(mprotect(address_, size_, PROT_NONE), 0) << because();
	EXPECT_EQ(whyNotReadable(address_), EFAULT);

	ASSERT_EQ(mprotect(address_, size_, PROT_READ | PROT_WRITE), 0) << because();
	expectWhole(address_);
	EXPECT_EQ(whyNotWritable(address_ + size_ - 1), 0);
	before_.back() = std::byte{0};
	expectWhole(address_);

	/* In the middle it splits the VMA, and mends it again. */
	ASSERT_EQ(mprotect(address_ + kPage, kPage, PROT_READ), 0) << because();
	EXPECT_EQ(whyNotWritable(address_ + kPage), EFAULT);
	EXPECT_EQ(whyNotWritable(address_), 0);
	before_.front() = std::byte{0};
	expectWhole(address_);
	ASSERT_EQ(mprotect(address_ + kPage, kPage, PROT_READ | PROT_WRITE), 0) << because();
	EXPECT_EQ(whyNotWritable(address_ + kPage), 0);
	before_[kPage] = std::byte{0};
	expectWhole(address_);
}

TEST_P(Mappings, DroppedPagesComeBack)
{
	expectWhole(address_);
	const auto frames = witness::pageFrames(bytes());
	for (int advice : {MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_COLD, MADV_PAGEOUT}) {
		ASSERT_EQ(madvise(address_, size_, advice), 0) << advice << ": " << because();
		expectWhole(address_);
		EXPECT_EQ(witness::pageFrames(bytes()), frames) << advice;
	}
	ASSERT_EQ(madvise(address_ + kPage, kPage, MADV_DONTNEED), 0);
	address_[kPage] = before_[kPage] = std::byte{0x77};
	expectWhole(address_);
	for (int advice : {MADV_POPULATE_READ, MADV_POPULATE_WRITE}) {
		ASSERT_EQ(madvise(address_, size_, MADV_DONTNEED), 0);
		ASSERT_EQ(madvise(address_, size_, advice), 0) << advice << ": " << because();
		EXPECT_EQ(witness::pageFrames(bytes()), frames) << advice;
		expectWhole(address_);
	}
	expectMappings(1);
}

/* Advice that may be taken or not, and advice that must be refused. */
TEST_P(Mappings, OtherAdviceIsHarmless)
{
	for (int advice :
	     {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DODUMP, MADV_DONTDUMP,
	      MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_COLLAPSE}) {
		madvise(address_, size_, advice);
		expectWhole(address_);
	}
	for (int advice : {MADV_FREE, MADV_REMOVE, MADV_WIPEONFORK}) {
		EXPECT_EQ(madvise(address_, size_, advice), -1) << advice;
		expectWhole(address_);
	}
	EXPECT_EQ(mlock(address_, size_), 0) << because();
	EXPECT_EQ(munlock(address_, size_), 0) << because();
	msync(address_, size_, MS_SYNC | MS_INVALIDATE);
	expectWhole(address_);
	expectMappings(1);
}

TEST_P(Mappings, AChildCanBeKeptFromIt)
{
	ASSERT_EQ(madvise(address_, size_, MADV_DONTFORK), 0) << because();
	EXPECT_EQ(inChild([&] {
			  expectMappings(1);
			  return whyNotReadable(address_) == EFAULT ? 0 : 1;
		  }),
		  0);
	/* Newer kernels take that back for ordinary memory only. */
	if (madvise(address_, size_, MADV_DOFORK))
		EXPECT_EQ(errno, EINVAL);
	else
		EXPECT_EQ(inChild([&] { return whyNotReadable(address_) == 0 ? 0 : 1; }), 0);
	expectWhole(address_);
}

/* As a debugger looks. */
TEST_P(Mappings, IsSeenThroughProcMem)
{
	const Fd memory(open("/proc/self/mem", O_RDWR | O_CLOEXEC));
	/* An address of 32 bits must not become a negative offset. */
	const off_t at = reinterpret_cast<uintptr_t>(address_);
	Bytes back(size_);
	ASSERT_EQ(pread(memory, back.data(), size_, at), ssize_t(size_)) << because();
	EXPECT_TRUE(same(back, before_));
	before_[kPage + 7] = std::byte{0x42};
	ASSERT_EQ(pwrite(memory, &before_[kPage + 7], 1, at + kPage + 7), 1) << because();
	expectWhole(address_);
}

TEST_P(Mappings, ItsLimitsAreTheBuffers)
{
	const int file = GetParam() == Source::DmaBuf ? exported_ : camera_->queue().fd();
	EXPECT_EQ(mmap(nullptr, size_ + kPage, PROT_READ, MAP_SHARED, file, 0), MAP_FAILED);
	EXPECT_EQ(mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0), MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	expectMappings(1);
}

class DmaBufMappings : public Mappings
{
};

INSTANTIATE_TEST_SUITE_P(Each, DmaBufMappings, testing::Values(Source::DmaBuf),
			 [](const auto &) { return "DmaBuf"; });

TEST_P(DmaBufMappings, MayBeAPart)
{
	const Mapping part(exported_, 3 * kPage, 2 * kPage);
	expectPart(part.data(), 3 * kPage, 2 * kPage);
	expectMappings(2);
	EXPECT_EQ(mmap(nullptr, 2 * kPage, PROT_READ, MAP_SHARED, exported_, size_ - kPage),
		  MAP_FAILED);
	EXPECT_EQ(mmap(nullptr, kPage, PROT_READ, MAP_SHARED, exported_, size_), MAP_FAILED);
}

TEST_P(DmaBufMappings, GetNoMoreThanTheDescriptorGives)
{
	const Fd readOnly = camera_->queue().exportBuffer(0, O_RDONLY);
	EXPECT_EQ(mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, readOnly, 0),
		  MAP_FAILED);
	EXPECT_EQ(errno, EACCES);
	const Mapping mapping(readOnly, 0, size_, PROT_READ);
	EXPECT_EQ(mprotect(mapping.data(), size_, PROT_READ | PROT_WRITE), -1);
	EXPECT_EQ(errno, EACCES);
	expectPart(mapping.data(), 0, size_);
}

/*
 * A mapping keeps its buffer, and not the node. When a program closes the node,
 * streaming ends, and the node is free for other programs.
 */
TEST(Node, IsFreeWhileAFrameIsMapped)
{
	Mapping mapping;
	Bytes before;
	{
		support::V4l2Queue queue(setting("VIDEO_NODE"));
		queue.setExactFormat(V4L2_PIX_FMT_NV12, kHd.width, kHd.height);
		queue.requestAll(2);
		queue.queue(0);
		queue.queue(1);
		queue.start();
		mapping = queue.map(queue.dequeue().index);
		before = copyOf(mapping.bytes());
	}
	{
		Camera next;
		/* The driver would refuse another size, had the node still buffers. */
		next.setSize(kVga);
		ASSERT_TRUE(next.request(2)) << next.lastError();
		next.start(2);
		next.dequeue();
		EXPECT_TRUE(same(mapping.bytes(), before));
	}
	EXPECT_EQ(liveBuffers().size(), 1u);
	mapping = Mapping();
	expectNothingHeld();
}

} /* namespace */
