/* SPDX-License-Identifier: MIT */
/*
 * Ownership of descriptors, size and CPU access of dma-bufs.
 */

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/dma-buf.h>
#include <unistd.h>

#include <cmacam/dma_buf.h>

#include "fake_dma_buf.h"

using cmacam::Access;
using cmacam::UniqueFd;

namespace {

bool isOpen(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

} /* namespace */

TEST(UniqueFd, ClosesOnce)
{
	UniqueFd fd = FakeDmaBufs::create(16);
	const int raw = fd.get();
	ASSERT_TRUE(isOpen(raw));

	UniqueFd moved(std::move(fd));
	EXPECT_FALSE(fd.isValid());
	EXPECT_TRUE(isOpen(raw));

	moved.reset();
	EXPECT_FALSE(isOpen(raw));
}

TEST(UniqueFd, AssignmentClosesTheOldOne)
{
	UniqueFd a = FakeDmaBufs::create(16);
	UniqueFd b = FakeDmaBufs::create(16);
	const int oldA = a.get();
	const int oldB = b.get();

	a = std::move(b);
	EXPECT_FALSE(isOpen(oldA));
	EXPECT_EQ(a.get(), oldB);
	EXPECT_TRUE(isOpen(oldB));
}

TEST(DmaBuf, Size)
{
	UniqueFd fd = FakeDmaBufs::create(12345);
	auto size = cmacam::dmaBufSize(fd.get());
	ASSERT_TRUE(size);
	EXPECT_EQ(*size, 12345U);

	EXPECT_EQ(cmacam::dmaBufSize(-1).error().code, EBADF);
}

TEST(DmaBuf, DuplicateIsClosedOnExec)
{
	UniqueFd fd = FakeDmaBufs::create(16);
	auto copy = cmacam::duplicateFd(fd.get());
	ASSERT_TRUE(copy);
	EXPECT_NE(copy->get(), fd.get());
	EXPECT_TRUE(fcntl(copy->get(), F_GETFD) & FD_CLOEXEC);
}

TEST(DmaBuf, DirectionIsPassedOn)
{
	FakeDmaBufs fake;

	ASSERT_TRUE(cmacam::beginCpuAccess(0, Access::Read));
	EXPECT_EQ(fake.lastFlags(), static_cast<unsigned>(DMA_BUF_SYNC_READ));
	ASSERT_TRUE(cmacam::endCpuAccess(0, Access::ReadWrite));
	EXPECT_EQ(fake.lastFlags(), static_cast<unsigned>(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END));
}

TEST(DmaBuf, InterruptedCallsAreRepeated)
{
	FakeDmaBufs fake;
	fake.failCall(0, EINTR);
	fake.failCall(1, EAGAIN);

	EXPECT_TRUE(cmacam::beginCpuAccess(0, Access::Read));
	EXPECT_EQ(fake.calls(), 3U);
	EXPECT_EQ(fake.begins(), 1);
}

TEST(DmaBuf, OtherErrorsAreReported)
{
	FakeDmaBufs fake;
	fake.failCall(0, EIO);

	auto result = cmacam::beginCpuAccess(0, Access::Read);
	ASSERT_FALSE(result);
	EXPECT_EQ(result.error().code, EIO);
	EXPECT_NE(result.error().what.find("begin"), std::string::npos);
	EXPECT_EQ(fake.calls(), 1U);
}

TEST(DmaBuf, NotADmaBuf)
{
	/* Without a fake the kernel answers. */
	UniqueFd fd = FakeDmaBufs::create(16);
	EXPECT_EQ(cmacam::beginCpuAccess(fd.get(), Access::Read).error().code, ENOTTY);
}
