/* SPDX-License-Identifier: MIT */
/*
 * Lost frames, frames in error, faults on purpose; and that no byte is written
 * where none may be.
 */
#include <algorithm>
#include <chrono>
#include <thread>

#include "frame_fixture.h"

using namespace cmacam::board;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t kBytes = Machine::kBytes;

} /* namespace */

TEST_F(FrameTest, BadAddressesRaiseBusErrors)
{
	const uint64_t end = Machine::kBase + Machine::kSize;
	const uint64_t bad[] = {0, end, end - kBytes + 64, Machine::buffer(0) + 32,
				uint64_t{1} << 40};

	std::ranges::fill(m.at(end - 0x10000, 0x10000), kUntouched);
	m.enable();
	uint32_t sequence = 0;
	for (uint64_t address : bad) {
		m.commit(address);
		const auto entry = m.next();
		ASSERT_TRUE(entry);
		EXPECT_EQ(entry->addr, address);
		EXPECT_EQ(entry->sequence, sequence);
		EXPECT_EQ(entry->flags, CMACAM_DONE_BUS_ERROR) << std::hex << address;
		EXPECT_EQ(entry->bytes, 0u);
		sequence++;
		EXPECT_EQ(m.ch(CMACAM_CH_ERRORS), sequence);
	}
	EXPECT_TRUE(untouched(end - 0x10000, 0x10000));
	EXPECT_TRUE(untouched(Machine::buffer(0), 0x10000));

	m.commit(end - kBytes);
	EXPECT_EQ(m.next()->flags, 0u) << "the last frame that fits";
}

TEST(FrameAddress, WiderThanTheBoard)
{
	Machine m(Machine::unpaced(), {.addressBits = 32});
	constexpr uint64_t kHigh = uint64_t{1} << 32;
	ASSERT_EQ(m.memory.map(kHigh - 0x1000, 0x200000, 3, m.ram.duplicate(), 0), 0);

	m.configure();
	m.enable();
	for (uint64_t address : {kHigh, kHigh - 64}) {
		m.commit(address);
		EXPECT_EQ(m.next()->flags, CMACAM_DONE_BUS_ERROR) << std::hex << address;
	}
}

TEST_F(FrameTest, UnmappedMemoryIsNotWritten)
{
	m.enable();
	constexpr uint64_t kExtra = 0x8000000;
	ASSERT_EQ(m.memory.map(kExtra, 0x10000, 3, m.ram.duplicate(), 0x10000), 0);
	m.commit(kExtra);
	EXPECT_EQ(m.next()->flags, 0u);
	ASSERT_EQ(m.memory.unmap(kExtra, 0x10000), 0);
	std::ranges::fill(m.at(Machine::buffer(0), 0x10000), kUntouched);
	m.commit(kExtra);
	EXPECT_EQ(m.next()->flags, CMACAM_DONE_BUS_ERROR);
	EXPECT_TRUE(untouched(Machine::buffer(0), 0x10000));
}

TEST_F(FrameTest, StarvedFramesAreLostInDropMode)
{
	m.engine->set("starved", "drop");
	m.setCh(CMACAM_CH_INT_ENABLE, CMACAM_CH_INT_DROP);
	const auto before = std::chrono::steady_clock::now();
	m.enable();
	while (m.ch(CMACAM_CH_DROPPED) < 3)
		ASSERT_TRUE(m.waitInterrupt());
	EXPECT_GE(std::chrono::steady_clock::now() - before, 30ms) << "lost without a pause";
	EXPECT_EQ(logged("lost ch=0 seq=0 reason=fifo-empty"), 1u);
	EXPECT_EQ(logged("lost ch=0 seq=2 reason=fifo-empty"), 1u);

	m.setCh(CMACAM_CH_INT_ENABLE, CMACAM_CH_INT_FRAME_DONE);
	m.commit(Machine::buffer(0));
	const auto entry = m.next();
	ASSERT_TRUE(entry);
	EXPECT_GE(entry->sequence, 3u);
	EXPECT_EQ(entry->dropped, entry->sequence) << "all before it were lost";
}

TEST_F(FrameTest, HoldLosesNothing)
{
	m.enable();
	for (uint32_t i = 0; i < 5; i++) {
		std::this_thread::sleep_for(5ms);
		m.commit(Machine::buffer(i % 4));
		const auto entry = m.next();
		ASSERT_TRUE(entry);
		EXPECT_EQ(entry->sequence, i);
		EXPECT_EQ(entry->dropped, 0u);
	}
}

TEST_F(FrameTest, FullRingLosesFramesAndKeepsTheAddress)
{
	m.enable();
	for (uint32_t i = 0; i < Machine::kEntries; i++) {
		m.commit(Machine::buffer(i));
		ASSERT_TRUE(m.next(false));
	}

	m.commit(Machine::buffer(4));
	ASSERT_TRUE(becomes([&] { return m.ch(CMACAM_CH_DROPPED) >= 2; }));
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 3u);
	EXPECT_EQ(logged("lost ch=0 seq=4 reason=ring-full"), 1u);
	EXPECT_TRUE(untouched(Machine::buffer(4), 0x10000));

	/* All entries go back; the frame that was kept waiting comes next. */
	m.at(Machine::kRing, sizeof(cmacam_completion)).back() = 0;
	const auto entry = m.next();
	ASSERT_TRUE(entry);
	EXPECT_EQ(entry->addr, Machine::buffer(4));
	EXPECT_GE(entry->sequence, 6u);
}

TEST_F(FrameTest, RingOutOfReachLosesFrames)
{
	m.enable();
	m.memory.setMaster(false);
	m.commit(Machine::buffer(0));
	ASSERT_TRUE(becomes([&] { return m.ch(CMACAM_CH_DROPPED) >= 1; }));
	EXPECT_GE(m.ch(CMACAM_CH_ERRORS), 1u);
	EXPECT_EQ(logged("lost ch=0 seq=0 reason=ring-error"), 1u);
	EXPECT_TRUE(untouched(Machine::buffer(0), 0x10000));

	m.memory.setMaster(true);
	EXPECT_EQ(m.next()->addr, Machine::buffer(0));
}

TEST_F(FrameTest, FaultBusError)
{
	m.setCh(CMACAM_CH_FAULT, CMACAM_FAULT_BUS_ERROR);
	EXPECT_EQ(frameAt(Machine::buffer(0))->flags, CMACAM_DONE_BUS_ERROR);
	EXPECT_TRUE(untouched(Machine::buffer(0), 0x10000));
	EXPECT_EQ(m.ch(CMACAM_CH_FAULT), 0u);
	m.commit(Machine::buffer(0));
	EXPECT_EQ(m.next()->flags, 0u) << "one frame only";
}

TEST_F(FrameTest, FaultTorn)
{
	m.setCh(CMACAM_CH_FAULT, CMACAM_FAULT_TORN);
	const auto entry = frameAt(Machine::buffer(0));
	EXPECT_EQ(entry->flags, CMACAM_DONE_SHORT);
	EXPECT_EQ(entry->bytes, kBytes / 2);
	EXPECT_EQ(written(Machine::buffer(0)), kBytes / 2);
}

TEST_F(FrameTest, FaultDrop)
{
	m.setCh(CMACAM_CH_FAULT, CMACAM_FAULT_DROP);
	m.engine->set("starved", "drop");
	const auto entry = frameAt(Machine::buffer(0));
	EXPECT_EQ(entry->sequence, 1u);
	EXPECT_EQ(entry->dropped, 1u);
	EXPECT_EQ(logged("lost ch=0 seq=0 reason=fault"), 1u);
}

TEST_F(FrameTest, FaultLoseIrq)
{
	m.setCh(CMACAM_CH_FAULT, CMACAM_FAULT_LOSE_IRQ);
	m.commit(Machine::buffer(0));
	m.enable();
	ASSERT_TRUE(becomes([&] { return m.ch(CMACAM_CH_INT_STATUS) & CMACAM_CH_INT_FRAME_DONE; }));
	EXPECT_FALSE(m.waitInterrupt(20));
	EXPECT_EQ(m.next()->flags, 0u);
}

TEST_F(FrameTest, FaultStuck)
{
	ASSERT_FALSE(m.engine->fault("stuck", 1, 0));
	ASSERT_TRUE(frameAt(Machine::buffer(0)));
	m.setCh(CMACAM_CH_CTRL, 0);
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS) & CMACAM_CH_STATUS_IDLE, 0u);
	m.commit(Machine::buffer(1));
	EXPECT_EQ(m.next()->addr, Machine::buffer(1)) << "it writes frames although EN is 0";

	m.write(CMACAM_CTRL, CMACAM_CTRL_RESET);
	ASSERT_TRUE(becomes([&] { return !m.read(CMACAM_CTRL); }));
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), CMACAM_CH_STATUS_IDLE);

	m.configure();
	m.restartRing();
	ASSERT_TRUE(frameAt(Machine::buffer(0)));
	m.setCh(CMACAM_CH_CTRL, 0);
	EXPECT_TRUE(becomes([&] { return m.ch(CMACAM_CH_STATUS) & CMACAM_CH_STATUS_IDLE; }))
		<< "one stop only";
}

TEST_F(FrameTest, FaultStuckReset)
{
	ASSERT_FALSE(m.engine->fault("stuck-reset", 1, 0));
	m.enable();
	m.write(CMACAM_CTRL, CMACAM_CTRL_RESET);
	m.setCh(CMACAM_CH_CTRL, 0);
	EXPECT_EQ(m.read(CMACAM_CTRL), CMACAM_CTRL_RESET);
	EXPECT_EQ(m.ch(CMACAM_CH_CTRL), CMACAM_CH_CTRL_EN) << "the channel goes on";

	ASSERT_FALSE(m.engine->fault("stuck-reset", 0, 0));
	EXPECT_TRUE(becomes([&] { return !m.read(CMACAM_CTRL); }));
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), CMACAM_CH_STATUS_IDLE);
}

TEST_F(FrameTest, FaultReadOnes)
{
	ASSERT_FALSE(m.engine->fault("read-ones", 2, 0));
	m.setCh(CMACAM_CH_WIDTH, 32);
	EXPECT_EQ(m.read(CMACAM_ID), ~0u);
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), ~0u);
	EXPECT_EQ(m.read(CMACAM_ID), CMACAM_ID_MAGIC) << "two reads only";
	EXPECT_EQ(m.ch(CMACAM_CH_WIDTH), 32u) << "writes arrive";
	EXPECT_EQ(logged("read-ones offset=0x0"), 1u);
	EXPECT_EQ(logged("read-ones offset=0x104"), 1u);
}

TEST(FrameFault, Unreachable)
{
	Settings paced;
	paced.set("fps", "50");
	Machine m(paced);
	m.configure();
	for (unsigned int i = 0; i < 4; i++)
		m.commit(Machine::buffer(i));
	m.enable();
	ASSERT_TRUE(m.next());

	ASSERT_FALSE(m.engine->fault("unreachable", 1000000, 0));
	EXPECT_EQ(m.read(CMACAM_ID), ~0u);
	m.setCh(CMACAM_CH_CTRL, 0);
	EXPECT_TRUE(m.next()) << "frames and interrupts go on";

	ASSERT_FALSE(m.engine->fault("unreachable", 0, 0));
	EXPECT_EQ(m.read(CMACAM_ID), CMACAM_ID_MAGIC);
	EXPECT_EQ(m.ch(CMACAM_CH_CTRL), CMACAM_CH_CTRL_EN) << "no write arrived";
}

TEST_F(FrameTest, OperatorFaultsSurviveReset)
{
	ASSERT_FALSE(m.engine->fault("bus-error", 2, 0));
	m.write(CMACAM_CTRL, CMACAM_CTRL_RESET);
	m.configure();
	EXPECT_EQ(frameAt(Machine::buffer(0))->flags, CMACAM_DONE_BUS_ERROR);
	m.commit(Machine::buffer(0));
	EXPECT_EQ(m.next()->flags, CMACAM_DONE_BUS_ERROR);
	m.commit(Machine::buffer(0));
	EXPECT_EQ(m.next()->flags, 0u);
}

/* Values change between frames: entry and mark always agree. */
