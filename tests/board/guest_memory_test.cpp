/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: what can be reached, what cannot, and that unmapping waits.
 */
#include "vfio_user/guest_memory.h"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include "machine.h"

using namespace cmacam::board;
using namespace cmacam::board::vfio_user;

namespace {

constexpr uint32_t kReadWrite = kDmaRead | kDmaWrite;
constexpr uint64_t kAddress = 0x10000;
constexpr uint64_t kSize = 0x4000;

class GuestMemoryTest : public testing::Test
{
protected:
	GuestMemoryTest() { memory.setMaster(true); }

	int map(uint64_t address, uint64_t size, uint64_t offset = 0, uint32_t flags = kReadWrite)
	{
		return memory.map(address, size, flags, ram.duplicate(), offset);
	}
	bool reachable(uint64_t address, uint64_t size)
	{
		return static_cast<bool>(memory.acquire(address, size));
	}

	Ram ram{0x10000};
	GuestMemory memory;
};

} /* namespace */

TEST_F(GuestMemoryTest, WritesReachTheFileAtItsOffset)
{
	ASSERT_EQ(map(kAddress, kSize, 0x2000), 0);
	memory.acquire(kAddress + 8, 1).bytes()[0] = std::byte{0x5a};
	EXPECT_EQ(ram.bytes()[0x2008], 0x5a);
}

TEST_F(GuestMemoryTest, ReachesExactlyWhatIsMapped)
{
	ASSERT_EQ(map(kAddress, kSize), 0);
	EXPECT_TRUE(reachable(kAddress, kSize));
	EXPECT_TRUE(reachable(kAddress + kSize - 1, 1));
	EXPECT_FALSE(reachable(kAddress, 0));
	EXPECT_FALSE(reachable(kAddress - 1, 1));
	EXPECT_FALSE(reachable(kAddress - 1, 2));
	EXPECT_FALSE(reachable(kAddress + kSize, 1));
	EXPECT_FALSE(reachable(kAddress + kSize - 1, 2));
	EXPECT_FALSE(reachable(kAddress, ~uint64_t{0}));
	EXPECT_FALSE(reachable(~uint64_t{0}, 2));
}

TEST_F(GuestMemoryTest, RefusesRangesThatStraddleTwoMappings)
{
	ASSERT_EQ(map(kAddress, kSize), 0);
	ASSERT_EQ(map(kAddress + kSize, kSize, 0x8000), 0);
	EXPECT_TRUE(reachable(kAddress + kSize, kSize));
	EXPECT_FALSE(reachable(kAddress + kSize - 1, 2));
}

TEST_F(GuestMemoryTest, RefusesReadOnlyAndDescriptorless)
{
	ASSERT_EQ(map(kAddress, kSize, 0, kDmaRead), 0);
	ASSERT_EQ(memory.map(kAddress + kSize, kSize, kReadWrite, UniqueFd(), 0), 0);
	EXPECT_FALSE(reachable(kAddress, 1));
	EXPECT_FALSE(reachable(kAddress + kSize, 1));
	EXPECT_EQ(memory.unmap(kAddress, kSize), 0);
	EXPECT_EQ(memory.unmap(kAddress + kSize, kSize), 0);
	EXPECT_EQ(memory.count(), 0u);
}

TEST_F(GuestMemoryTest, RefusesOverlap)
{
	ASSERT_EQ(map(kAddress, kSize), 0);
	EXPECT_EQ(map(kAddress, kSize), EEXIST);
	EXPECT_EQ(map(kAddress - 0x1000, 0x2000), EEXIST);
	EXPECT_EQ(map(kAddress + kSize - 0x1000, 0x2000), EEXIST);
	EXPECT_EQ(map(kAddress + 0x1000, 0x1000), EEXIST);
	EXPECT_EQ(map(kAddress - 0x1000, 0x1000), 0);
}

TEST_F(GuestMemoryTest, RefusesImpossibleRanges)
{
	EXPECT_EQ(map(kAddress, 0), EINVAL);
	EXPECT_EQ(map(~uint64_t{0} - 0xfff, 0x2000), EINVAL);
	EXPECT_EQ(map(kAddress, kSize, ram.size()), EINVAL) << "behind the end of the file";
	EXPECT_EQ(memory.count(), 0u);
}

TEST_F(GuestMemoryTest, UnmapsOnlyWhatWasMapped)
{
	ASSERT_EQ(map(kAddress, kSize), 0);
	EXPECT_EQ(memory.unmap(kAddress, kSize / 2), ENOENT);
	EXPECT_EQ(memory.unmap(kAddress + 0x1000, kSize), ENOENT);
	EXPECT_TRUE(reachable(kAddress, kSize));
	EXPECT_EQ(memory.unmap(kAddress, kSize), 0);
	EXPECT_FALSE(reachable(kAddress, 1));
}

TEST_F(GuestMemoryTest, NothingIsReachableWithoutBusMastering)
{
	ASSERT_EQ(map(kAddress, kSize), 0);
	memory.setMaster(false);
	EXPECT_FALSE(reachable(kAddress, 1));
	memory.setMaster(true);
	EXPECT_TRUE(reachable(kAddress, 1));
}

/* The heart of it: the reply to UNMAP promises that no DMA is in flight. */
class WaitingTest : public GuestMemoryTest
{
protected:
	template <typename Revoke>
	void expectToWait(Revoke revoke)
	{
		ASSERT_EQ(map(kAddress, kSize), 0);
		std::atomic<bool> revoked = false;
		std::thread thread;
		{
			const auto lease = memory.acquire(kAddress, kSize);
			ASSERT_TRUE(lease);
			thread = std::thread([&] {
				revoke();
				revoked = true;
			});

			while (reachable(kAddress, 1))
				std::this_thread::yield();
			std::this_thread::sleep_for(std::chrono::milliseconds(20));
			EXPECT_FALSE(revoked) << "memory was given up under a lease";
			lease.bytes()[kSize - 1] = std::byte{1};
		}
		thread.join();
		EXPECT_TRUE(revoked);
	}
};

TEST_F(WaitingTest, UnmapWaitsForLeases)
{
	expectToWait([this] { EXPECT_EQ(memory.unmap(kAddress, kSize), 0); });
}

TEST_F(WaitingTest, UnmapAllWaitsForLeases)
{
	expectToWait([this] { memory.unmapAll(); });
}

TEST_F(WaitingTest, EndOfBusMasteringWaitsForLeases)
{
	expectToWait([this] { memory.setMaster(false); });
}
