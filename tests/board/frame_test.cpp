/* SPDX-License-Identifier: MIT */
/*
 * Frames from start to completion: contents of entries, marks and logs; lost
 * frames, frames in error, and that no byte is written where none may be.
 */
#include <algorithm>
#include <chrono>
#include <format>
#include <memory>
#include <thread>

#include <glib.h>

#include "machine.h"

using namespace cmacam;
using namespace std::chrono_literals;

namespace {

constexpr uint8_t kUntouched = 0xa5;
constexpr uint32_t kBytes = Machine::kBytes;

class FrameTest : public testing::Test
{
protected:
	FrameTest()
	{
		std::ranges::fill(m.at(Machine::buffer(0), 0x60000), kUntouched);
		m.configure();
	}

	std::optional<cmacam_completion> frameAt(uint64_t address)
	{
		m.commit(address);
		m.enable();
		return m.next();
	}
	bool untouched(uint64_t address, std::size_t size)
	{
		return std::ranges::all_of(m.at(address, size),
					   [](uint8_t byte) { return byte == kUntouched; });
	}
	/* Of the bytes from `address` on; the picture has few with that value. */
	std::size_t written(uint64_t address)
	{
		const auto bytes = m.at(address, 0x10000);
		const auto last = std::find_if(bytes.rbegin(), bytes.rend(),
					       [](uint8_t byte) { return byte != kUntouched; });
		return static_cast<std::size_t>(bytes.rend() - last);
	}
	/* Lines of the first buffer that have this number in their place. */
	std::size_t stamped(std::size_t bytes, uint32_t sequence)
	{
		const auto frame = m.at(Machine::buffer(0), bytes);
		std::size_t lines = 0;
		for (std::size_t i = CMACAM_MARK_LINE_SEQUENCE; i + sizeof(sequence) <= bytes;
		     i += CMACAM_MARK_LINE)
			lines += std::memcmp(&frame[i], &sequence, sizeof(sequence)) == 0;
		return lines;
	}
	std::size_t logged(const std::string &line)
	{
		const auto lines = m.log();
		return static_cast<std::size_t>(std::ranges::count(lines, line));
	}

	Machine m;
};

std::string sha256Of(std::span<const uint8_t> bytes)
{
	const std::unique_ptr<gchar, void (*)(gpointer)> digest(
		g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes.data(), bytes.size()), g_free);
	return digest.get();
}

} /* namespace */

TEST_F(FrameTest, EntryTellsWhatWasInForce)
{
	m.write(CMACAM_SENSOR_EXPOSURE, 1234);
	m.write(CMACAM_SENSOR_GAIN, 300);
	m.write(CMACAM_SENSOR_PATTERN, CMACAM_PATTERN_BARS);
	m.write(CMACAM_SENSOR_VBLANK, 240);
	m.write(CMACAM_SENSOR_FLIP, CMACAM_FLIP_VERTICAL);
	m.write(CMACAM_SENSOR_CROP_POS, 20u << 16 | 10);
	m.write(CMACAM_SENSOR_CROP_SIZE, 480u << 16 | 640);
	m.write(CMACAM_ISP_RED_GAIN, 261);
	m.write(CMACAM_ISP_BLUE_GAIN, 262);
	m.write(CMACAM_ISP_BRIGHTNESS, static_cast<uint32_t>(-3));
	m.write(CMACAM_ISP_CONTRAST, 263);
	m.write(CMACAM_ISP_SATURATION, 264);
	const uint64_t before = m.read(CMACAM_TIME_LO) | uint64_t{m.read(CMACAM_TIME_HI)} << 32;
	const auto entry = frameAt(Machine::buffer(0));
	const uint64_t after = m.read(CMACAM_TIME_LO) | uint64_t{m.read(CMACAM_TIME_HI)} << 32;

	ASSERT_TRUE(entry);
	EXPECT_EQ(entry->addr, Machine::buffer(0));
	EXPECT_GE(entry->time, before);
	EXPECT_LE(entry->time, after);
	EXPECT_EQ(entry->sequence, 0u);
	EXPECT_EQ(entry->bytes, kBytes);
	EXPECT_EQ(entry->flags, 0u);
	EXPECT_EQ(entry->exposure, 1234u);
	EXPECT_EQ(entry->gain, 300u);
	EXPECT_EQ(entry->pattern, CMACAM_PATTERN_BARS);
	EXPECT_EQ(entry->line_length, 4400u);
	EXPECT_EQ(entry->frame_length, 2400u);
	EXPECT_EQ(entry->dropped, 0u);
	EXPECT_EQ(entry->flip, CMACAM_FLIP_VERTICAL);
	EXPECT_EQ(entry->crop_pos, 20u << 16 | 10);
	EXPECT_EQ(entry->crop_size, 480u << 16 | 640);
	EXPECT_EQ(entry->red_gain, 261u);
	EXPECT_EQ(entry->blue_gain, 262u);
	EXPECT_EQ(entry->brightness, static_cast<uint32_t>(-3));
	EXPECT_EQ(entry->contrast, 263u);
	EXPECT_EQ(entry->saturation, 264u);
	EXPECT_EQ(entry->owner, CMACAM_DONE_OWNER);
	EXPECT_EQ(written(Machine::buffer(0)), kBytes);
}

TEST_F(FrameTest, EachFrameDiffers)
{
	ASSERT_TRUE(frameAt(Machine::buffer(0)));
	m.commit(Machine::buffer(1));
	const auto second = m.next();
	ASSERT_TRUE(second);
	EXPECT_EQ(second->sequence, 1u);
	EXPECT_FALSE(std::ranges::equal(m.at(Machine::buffer(0), kBytes),
					m.at(Machine::buffer(1), kBytes)));
}

TEST_F(FrameTest, ContentFollowsTheSequence)
{
	ASSERT_TRUE(frameAt(Machine::buffer(0)));
	m.disable();
	m.restartRing();
	ASSERT_TRUE(frameAt(Machine::buffer(1)));
	EXPECT_TRUE(std::ranges::equal(m.at(Machine::buffer(0), kBytes),
				       m.at(Machine::buffer(1), kBytes)));
}

TEST_F(FrameTest, MarkAndDigestMatchTheLog)
{
	ASSERT_FALSE(m.engine->set("mark", "frame"));
	ASSERT_FALSE(m.engine->set("digest", "sha256"));
	m.write(CMACAM_SENSOR_GAIN, 512);
	ASSERT_TRUE(frameAt(Machine::buffer(0)));

	cmacam_mark mark;
	std::memcpy(&mark, m.at(Machine::buffer(0), sizeof(mark)).data(), sizeof(mark));
	EXPECT_EQ(mark.magic, CMACAM_MARK_MAGIC);
	EXPECT_EQ(mark.sequence, 0u);
	EXPECT_EQ(mark.channel, 0u);
	EXPECT_EQ(mark.exposure, 2250u);
	EXPECT_EQ(mark.gain, 512u);
	EXPECT_EQ(mark.pattern, 0u);

	EXPECT_EQ(
		logged(std::format("frame ch=0 seq=0 addr={:#x} bytes={} flags=0x0 nonce=0x{:016x} "
				   "exposure=2250 gain=512 pattern=0 picture=0 sha256={}",
				   Machine::buffer(0), kBytes, mark.nonce,
				   sha256Of(m.at(Machine::buffer(0), kBytes)))),
		1u);
}

/* Each line has its frame's number, the one before it in the same memory has another. */
TEST_F(FrameTest, EveryLineIsStamped)
{
	ASSERT_FALSE(m.engine->set("mark", "lines"));
	ASSERT_FALSE(m.engine->set("digest", "sha256"));
	m.enable();
	for (uint32_t i = 0; i < 3; i++) {
		m.commit(Machine::buffer(0));
		ASSERT_TRUE(m.next());
		EXPECT_EQ(stamped(kBytes, i), kBytes / CMACAM_MARK_LINE);
	}

	cmacam_mark mark;
	std::memcpy(&mark, m.at(Machine::buffer(0), sizeof(mark)).data(), sizeof(mark));
	EXPECT_EQ(mark.magic, CMACAM_MARK_MAGIC);
	const std::string line = m.log().back();
	EXPECT_NE(line.find(std::format("nonce=0x{:016x}", mark.nonce)), line.npos) << line;
	EXPECT_NE(line.find("sha256=" + sha256Of(m.at(Machine::buffer(0), kBytes))), line.npos);
}

TEST_F(FrameTest, StampsLeaveTheRestOfALine)
{
	ASSERT_TRUE(frameAt(Machine::buffer(0)));
	m.disable();
	m.restartRing();
	ASSERT_FALSE(m.engine->set("mark", "lines"));
	ASSERT_TRUE(frameAt(Machine::buffer(1)));

	const auto plain = m.at(Machine::buffer(0), kBytes);
	const auto marked = m.at(Machine::buffer(1), kBytes);
	for (std::size_t i = sizeof(cmacam_mark); i < kBytes; i++) {
		const std::size_t place = i % CMACAM_MARK_LINE - CMACAM_MARK_LINE_SEQUENCE;
		ASSERT_EQ(marked[i], place < sizeof(uint32_t) ? 0 : plain[i]) << i;
	}
}

/* Frames cut within a line, before, in and right after the stamp. */
TEST_F(FrameTest, StampsEndWithTheFrame)
{
	ASSERT_FALSE(m.engine->set("mark", "lines"));
	constexpr uint32_t kLines = 2 * CMACAM_MARK_LINE;
	for (uint32_t limit = kLines; limit <= kLines + 9; limit++) {
		std::ranges::fill(m.at(Machine::buffer(0), kBytes), kUntouched);
		m.configure(CMACAM_FMT_GREY, limit);
		m.restartRing();
		ASSERT_TRUE(frameAt(Machine::buffer(0)));
		m.disable();
		EXPECT_TRUE(untouched(Machine::buffer(0) + limit, kBytes - limit)) << limit;
		EXPECT_EQ(stamped(limit, 0), limit < kLines + 8 ? 2u : 3u) << limit;
	}
}

/* The log must know of a frame before the driver can. */
TEST_F(FrameTest, LogComesFirst)
{
	m.enable();
	for (uint32_t i = 0; i < 50; i++) {
		m.commit(Machine::buffer(i % 4));
		ASSERT_TRUE(m.next());
		ASSERT_TRUE(m.log().back().starts_with(std::format("frame ch=0 seq={} ", i)));
	}
}

TEST_F(FrameTest, LimitCuts)
{
	constexpr uint32_t kLimit = 1000; /* in the middle of a line */
	m.configure(CMACAM_FMT_NV12, kLimit);
	const auto entry = frameAt(Machine::buffer(0));
	ASSERT_TRUE(entry);
	EXPECT_EQ(entry->flags, CMACAM_DONE_LIMIT);
	EXPECT_EQ(entry->bytes, kLimit);
	EXPECT_EQ(m.ch(CMACAM_CH_ERRORS), 1u);
	EXPECT_TRUE(untouched(Machine::buffer(0) + kLimit, 0x10000));
}

TEST_F(FrameTest, LimitOfTheWholeFrameIsNoError)
{
	m.configure(CMACAM_FMT_NV12, kBytes * 3 / 2);
	const auto entry = frameAt(Machine::buffer(0));
	ASSERT_TRUE(entry);
	EXPECT_EQ(entry->flags, 0u);
	EXPECT_EQ(written(Machine::buffer(0)), kBytes * 3 / 2);
}

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
	while (m.ch(CMACAM_CH_DROPPED) < 2)
		std::this_thread::yield();
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
	while (m.ch(CMACAM_CH_DROPPED) < 1)
		std::this_thread::yield();
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
	while (!(m.ch(CMACAM_CH_INT_STATUS) & CMACAM_CH_INT_FRAME_DONE))
		std::this_thread::yield();
	EXPECT_FALSE(m.waitInterrupt(20));
	EXPECT_EQ(m.next()->flags, 0u);
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
TEST_F(FrameTest, MarkAndEntryAgreeUnderChange)
{
	m.engine->set("mark", "frame");
	m.enable();
	for (uint32_t i = 0; i < 200; i++) {
		m.write(CMACAM_SENSOR_GAIN, 256 + i * 7);
		m.write(CMACAM_SENSOR_EXPOSURE, 10 + i * 11);
		m.write(CMACAM_SENSOR_PATTERN, i % CMACAM_PATTERN_COUNT);
		m.commit(Machine::buffer(0));
		const auto entry = m.next();
		ASSERT_TRUE(entry);
		cmacam_mark mark;
		std::memcpy(&mark, m.at(Machine::buffer(0), sizeof(mark)).data(), sizeof(mark));
		ASSERT_EQ(mark.sequence, i);
		ASSERT_EQ(mark.gain, 256 + i * 7);
		ASSERT_EQ(mark.gain, entry->gain);
		ASSERT_EQ(mark.exposure, entry->exposure);
		ASSERT_EQ(mark.pattern, entry->pattern);
	}
}
