/* SPDX-License-Identifier: MIT */
/*
 * FramePool: a buffer goes back when the last reference to its pixels goes,
 * and memory outlives whoever made it.
 */
#include "memory.h"

#include <array>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace cmacam::gst {
namespace {

constexpr size_t kMemorySize = 8192;

class FramePoolTest : public testing::Test
{
protected:
	void SetUp() override
	{
		/* The pool only keeps descriptors: plain shared memory will do. */
		for (int &fd : fds_) {
			fd = memfd_create("frame", MFD_CLOEXEC);
			ASSERT_GE(fd, 0);
			ASSERT_EQ(ftruncate(fd, kMemorySize), 0);
		}
		pool_ = FramePool::create(fds_, 0, kMemorySize,
					  [this](size_t buffer) { returned_.push_back(buffer); });
		ASSERT_TRUE(pool_);
	}

	void TearDown() override
	{
		for (int fd : fds_)
			close(fd);
	}

	/* Take the memory of @buffer and be told when it is freed. */
	MemoryPtr take(size_t buffer)
	{
		MemoryPtr memory = pool_->take(buffer);
		gst_mini_object_weak_ref(
			GST_MINI_OBJECT_CAST(memory.get()),
			[](gpointer freed, GstMiniObject *) { ++*static_cast<int *>(freed); },
			&freed_);
		return memory;
	}

	std::array<int, 2> fds_;
	int freed_ = 0;
	std::vector<size_t> returned_;
	std::shared_ptr<FramePool> pool_;
};

TEST_F(FramePoolTest, ReturnsWithTheBuffer)
{
	BufferPtr buffer(gst_buffer_new());
	gst_buffer_append_memory(buffer.get(), pool_->take(1).release());
	EXPECT_TRUE(returned_.empty());

	buffer.reset();
	EXPECT_EQ(returned_, std::vector<size_t>{1});
}

TEST_F(FramePoolTest, ACopiedBufferHoldsTheFrame)
{
	BufferPtr buffer(gst_buffer_new());
	gst_buffer_append_memory(buffer.get(), pool_->take(0).release());
	BufferPtr copy(gst_buffer_copy(buffer.get()));

	buffer.reset();
	EXPECT_TRUE(returned_.empty());
	copy.reset();
	EXPECT_EQ(returned_, std::vector<size_t>{0});
}

TEST_F(FramePoolTest, APartOfTheMemoryHoldsTheFrame)
{
	MemoryPtr memory = pool_->take(0);
	MemoryPtr part(gst_memory_share(memory.get(), 64, 64));

	memory.reset();
	EXPECT_TRUE(returned_.empty());
	part.reset();
	EXPECT_EQ(returned_, std::vector<size_t>{0});
}

TEST_F(FramePoolTest, TheSameMemoryComesRound)
{
	MemoryPtr memory = take(0);
	const GstMemory *identity = memory.get();
	memory.reset();

	EXPECT_EQ(freed_, 0);
	EXPECT_EQ(pool_->take(0).get(), identity);
}

TEST_F(FramePoolTest, CroppingInPlaceIsUndone)
{
	MemoryPtr memory = pool_->take(0);
	gst_memory_resize(memory.get(), 128, 256);
	memory.reset();

	gsize offset;
	EXPECT_EQ(gst_memory_get_sizes(pool_->take(0).get(), &offset, nullptr), kMemorySize);
	EXPECT_EQ(offset, 0u);
}

TEST_F(FramePoolTest, AfterRetireNothingReturns)
{
	MemoryPtr held = take(0);
	take(1).reset();
	EXPECT_EQ(freed_, 0);

	pool_->retire();
	EXPECT_EQ(freed_, 1) << "idle memory goes with the pool";
	held.reset();
	EXPECT_EQ(freed_, 2);
	EXPECT_EQ(returned_, std::vector<size_t>{1});
}

TEST_F(FramePoolTest, MemoryOutlivesPoolAndCamera)
{
	MemoryPtr memory = pool_->take(0);
	const char text[] = "pixels";
	ASSERT_EQ(pwrite(fds_[0], text, sizeof(text), 0), ssize_t(sizeof(text)));

	pool_.reset();
	for (int &fd : fds_)
		close(std::exchange(fd, -1));

	GstMapInfo map;
	ASSERT_TRUE(gst_memory_map(memory.get(), &map, GST_MAP_READ));
	EXPECT_STREQ(reinterpret_cast<const char *>(map.data), text);
	gst_memory_unmap(memory.get(), &map);
}

} /* namespace */
} /* namespace cmacam::gst */
