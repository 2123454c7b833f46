/* SPDX-License-Identifier: MIT */
/*
 * Frames from start to completion: contents of entries, marks and logs.
 */
#include <algorithm>
#include <format>
#include <memory>

#include <glib.h>

#include "frame_fixture.h"

using namespace cmacam::board;

namespace {

constexpr uint32_t kBytes = Machine::kBytes;

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
	m.write(CMACAM_ISP_SHARPNESS, 265);
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
	EXPECT_EQ(entry->sharpness, 265u);
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
