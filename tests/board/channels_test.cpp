/* SPDX-License-Identifier: MIT */
/*
 * Several channels behind one sensor: alone, side by side and linked.
 */
#include <algorithm>
#include <format>
#include <numeric>
#include <utility>

#include "machine.h"

using namespace cmacam::board;

namespace {

constexpr uint32_t kMain = CMACAM_CH_MAIN, kLores = CMACAM_CH_LORES, kStats = CMACAM_CH_STATS;

/* Frames as fast as they can, lost where there is no address. */
Settings dropping()
{
	Settings settings = Machine::unpaced();
	settings.starved = Settings::Starved::Drop;
	return settings;
}

class ChannelsTest : public testing::Test
{
protected:
	ChannelsTest() : ChannelsTest(Machine::unpaced()) {}
	explicit ChannelsTest(const Settings &settings) : m(settings)
	{
		m.select(kLores).configure();
		m.select(kStats).configure(CMACAM_FMT_STATS, 4096);
		m.select(kMain).configure();
	}

	static uint64_t buffer(uint32_t channel, unsigned int index = 0)
	{
		return Machine::buffer(8 * channel + index);
	}
	void commit(uint32_t channel, unsigned int index = 0)
	{
		m.select(channel).commit(buffer(channel, index));
	}
	std::optional<cmacam_completion> next(uint32_t channel, bool giveBack = true)
	{
		return m.select(channel).next(giveBack);
	}
	std::size_t logged(const std::string &text)
	{
		const auto lines = m.log();
		return static_cast<std::size_t>(
			std::ranges::count_if(lines, [&](const std::string &line) {
				return line.find(text) != line.npos;
			}));
	}
	void awaitDropped(uint32_t channel, uint32_t count)
	{
		while (m.select(channel).ch(CMACAM_CH_DROPPED) < count)
			std::this_thread::yield();
	}

	Machine m;
};

class DroppingTest : public ChannelsTest
{
protected:
	DroppingTest() : ChannelsTest(dropping()) {}
};

} /* namespace */

TEST_F(ChannelsTest, OneInstantForAll)
{
	m.write(CMACAM_SENSOR_GAIN, 300);
	for (uint32_t channel : {kLores, kStats, kMain})
		commit(channel);
	for (uint32_t channel : {kLores, kStats}) {
		m.select(channel).enable(true);
		EXPECT_EQ(m.ch(CMACAM_CH_CTRL), CMACAM_CH_CTRL_EN | CMACAM_CH_CTRL_LINK);
	}
	m.select(kMain).enable(true);
	EXPECT_EQ(m.ch(CMACAM_CH_CTRL), CMACAM_CH_CTRL_EN) << "channel 0 follows nobody";

	const auto main = next(kMain);
	ASSERT_TRUE(main);
	for (uint32_t channel : {kLores, kStats}) {
		const auto entry = next(channel);
		ASSERT_TRUE(entry);
		EXPECT_EQ(entry->addr, buffer(channel));
		EXPECT_EQ(entry->time, main->time);
		EXPECT_EQ(entry->sequence, 0u);
		EXPECT_EQ(entry->gain, 300u);
		EXPECT_EQ(entry->flags, 0u);
	}
	EXPECT_EQ(logged("picture=0"), 3u);
}

TEST_F(ChannelsTest, EachFormatInItsPlace)
{
	const std::pair<uint32_t, uint32_t> refused[] = {{kMain, CMACAM_FMT_STATS},
							 {kMain, CMACAM_FMT_COUNT},
							 {kLores, CMACAM_FMT_SRGGB8},
							 {kLores, CMACAM_FMT_SRGGB10},
							 {kStats, CMACAM_FMT_GREY}};

	for (const auto &[channel, format] : refused) {
		m.select(channel).configure(format, 4096);
		m.setCh(CMACAM_CH_STRIDE, 256);
		m.enable();
		EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), CMACAM_CH_INT_CONFIG) << channel << format;
		m.setCh(CMACAM_CH_INT_STATUS, CMACAM_CH_INT_CONFIG);
	}
}

TEST_F(ChannelsTest, StatisticsNeedNoGeometry)
{
	m.engine->set("mark", "lines");
	m.engine->set("digest", "sha256");
	m.select(kStats);
	for (uint32_t offset : {CMACAM_CH_WIDTH, CMACAM_CH_HEIGHT, CMACAM_CH_STRIDE})
		m.setCh(offset, 1);
	commit(kStats);
	m.enable();
	const auto entry = next(kStats);
	ASSERT_TRUE(entry);
	EXPECT_EQ(entry->bytes, sizeof(cmacam_stats_data));
	EXPECT_EQ(entry->flags, 0u);

	cmacam_stats_data data;
	std::memcpy(&data, m.at(buffer(kStats), sizeof(data)).data(), sizeof(data));
	EXPECT_EQ(data.size, sizeof(data)) << "a mark lies over it";
	EXPECT_EQ(data.sequence, 0u);
	EXPECT_EQ(std::accumulate(std::begin(data.histogram), std::end(data.histogram), 0u),
		  data.samples)
		<< "stamps lie in it";
	EXPECT_EQ(logged("enable ch=2 width=0 height=0 format=STATS stride=0 limit=4096 link=0"),
		  1u);
	EXPECT_EQ(logged("nonce=0x0000000000000000"), 1u);
	EXPECT_EQ(logged(" sha256="), 1u);
}

TEST_F(ChannelsTest, TheMarkNamesItsChannel)
{
	m.engine->set("mark", "frame");
	for (uint32_t channel : {kLores, kMain}) {
		commit(channel);
		m.enable(true);
	}
	for (uint32_t channel : {kMain, kLores}) {
		ASSERT_TRUE(next(channel));
		cmacam_mark mark;
		std::memcpy(&mark, m.at(buffer(channel), sizeof(mark)).data(), sizeof(mark));
		EXPECT_EQ(mark.channel, channel);
		EXPECT_EQ(
			logged(std::format("ch={} seq=0 addr={:#x} bytes={} flags=0x0 "
					   "nonce=0x{:016x}",
					   channel, buffer(channel), Machine::kBytes, mark.nonce)),
			1u);
	}
}

/* The sensor, and the pictures with it, start over only when nobody was running. */
TEST_F(ChannelsTest, PicturesCountFromTheFirstChannel)
{
	commit(kLores);
	m.enable();
	ASSERT_TRUE(next(kLores));
	commit(kMain);
	m.enable();
	EXPECT_EQ(logged("picture=1"), 0u) << "lores has no address: the start is held";
	commit(kLores);
	EXPECT_EQ(next(kMain)->sequence, 0u);
	EXPECT_EQ(next(kLores)->sequence, 1u);
	EXPECT_EQ(logged("picture=1"), 2u);

	m.select(kMain).disable();
	m.select(kLores).disable();
	m.restartRing();
	commit(kLores);
	m.enable();
	ASSERT_TRUE(next(kLores));
	EXPECT_EQ(logged("picture=0"), 2u);
}

TEST_F(DroppingTest, UnlinkedChannelsAreOnTheirOwn)
{
	m.select(kLores).enable();
	awaitDropped(kLores, 1);
	for (unsigned int i = 0; i < 3; i++)
		commit(kMain, i);
	m.enable();
	for (uint32_t i = 0; i < 3; i++) {
		const auto entry = next(kMain);
		ASSERT_TRUE(entry);
		EXPECT_EQ(entry->sequence, i);
	}
	EXPECT_GE(m.select(kLores).ch(CMACAM_CH_DROPPED), 4u);
	EXPECT_EQ(m.read(CMACAM_IRQ_STATUS) & 2, 2u);
}

TEST_F(DroppingTest, LinkedChannelsLoseTogether)
{
	for (unsigned int i = 0; i < 2; i++)
		commit(kMain, i);
	m.select(kLores).enable(true);
	m.select(kMain).enable();
	awaitDropped(kMain, 2);
	EXPECT_EQ(m.select(kMain).ch(CMACAM_CH_FIFO_SPACE), 2u) << "it took an address alone";
	EXPECT_EQ(logged("lost ch=1 seq=0 reason=fifo-empty"), 1u);
	EXPECT_EQ(logged("lost ch=0 seq=0 reason=link"), 1u);

	commit(kLores);
	const auto main = next(kMain), lores = next(kLores);
	ASSERT_TRUE(main && lores);
	EXPECT_EQ(main->time, lores->time);
	EXPECT_EQ(main->sequence, lores->sequence);
	EXPECT_EQ(main->dropped, lores->dropped);
	EXPECT_GE(main->sequence, 2u);
}

/* With addresses for one and then the other, at any moment: pairs stay pairs. */
TEST_F(DroppingTest, PairsStayPairs)
{
	m.select(kLores).enable(true);
	m.select(kMain).enable();
	for (unsigned int i = 0; i < 60; i++) {
		const bool mainFirst = i % 2;
		commit(mainFirst ? kMain : kLores, i % 4);
		if (i % 3 == 0)
			awaitDropped(kMain, m.select(kMain).ch(CMACAM_CH_DROPPED) + 1);
		commit(mainFirst ? kLores : kMain, i % 4);
		const auto main = next(kMain), lores = next(kLores);
		ASSERT_TRUE(main && lores);
		ASSERT_EQ(main->sequence, lores->sequence);
		ASSERT_EQ(main->time, lores->time);
	}
}

TEST_F(DroppingTest, AFullRingLosesForAll)
{
	for (unsigned int i = 0; i < Machine::kEntries; i++) {
		commit(kMain, i);
		commit(kLores, i);
	}
	m.select(kLores).enable(true);
	m.select(kMain).enable();
	for (unsigned int i = 0; i < Machine::kEntries; i++) {
		ASSERT_TRUE(next(kMain));
		ASSERT_TRUE(next(kLores, false));
	}
	commit(kMain);
	commit(kLores);
	while (!logged("reason=ring-full"))
		std::this_thread::yield();
	EXPECT_EQ(m.select(kMain).ch(CMACAM_CH_FIFO_SPACE), 3u);
	EXPECT_GE(logged("lost ch=0 seq=4 reason=") + logged("lost ch=0 seq=5 reason="), 1u);
}

TEST_F(ChannelsTest, FaultsOfOneSpoilBoth)
{
	ASSERT_FALSE(m.engine->fault("drop", 1, kLores));
	for (uint32_t channel : {kLores, kMain}) {
		commit(channel);
		m.enable(true);
	}
	EXPECT_EQ(next(kMain)->sequence, 1u);
	EXPECT_EQ(next(kLores)->sequence, 1u);
	EXPECT_EQ(logged("lost ch=0 seq=0 reason=link"), 1u);
	EXPECT_EQ(logged("lost ch=1 seq=0 reason=fault"), 1u);

	m.select(kMain).setCh(CMACAM_CH_FAULT, CMACAM_FAULT_DROP);
	commit(kLores);
	commit(kMain);
	EXPECT_EQ(next(kMain)->sequence, 3u);
	EXPECT_EQ(next(kLores)->sequence, 3u);
	EXPECT_EQ(logged("lost ch=1 seq=2 reason=link"), 1u);
}

TEST_F(ChannelsTest, ErrorsAreOneChannelsAffair)
{
	ASSERT_FALSE(m.engine->fault("torn", 1, kLores));
	for (uint32_t channel : {kLores, kMain}) {
		commit(channel);
		m.enable(true);
	}
	EXPECT_EQ(next(kMain)->flags, 0u);
	EXPECT_EQ(next(kLores)->flags, CMACAM_DONE_SHORT);
}

/* The ring is in reach at the start of frame, and not when its entry is to be written. */
TEST(ChannelsRing, LostInMidFrameLosesForAll)
{
	constexpr uint64_t kElsewhere = 0x8000000;
	auto *gate = new Gate; /* the machine's */
	Machine m(Machine::unpaced(), {}, std::unique_ptr<Source>(gate));
	ASSERT_EQ(m.memory.map(kElsewhere, 0x1000, 3, m.ram.duplicate(), 0x8000), 0);

	m.select(kLores).configure();
	m.setCh(CMACAM_CH_RING_LO, kElsewhere);
	m.commit(Machine::buffer(1));
	m.enable(true);
	m.select(kMain).configure();
	m.commit(Machine::buffer(0));
	m.enable();
	gate->awaitFrame();
	ASSERT_EQ(m.memory.unmap(kElsewhere, 0x1000), 0);
	gate->open();
	gate->open(); /* both channels ask for the picture */

	for (uint32_t channel : {kMain, kLores}) {
		while (!m.select(channel).ch(CMACAM_CH_DROPPED))
			std::this_thread::yield();
		EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS),
			  CMACAM_CH_INT_FRAME_START | CMACAM_CH_INT_DROP);
		EXPECT_EQ(m.ch(CMACAM_CH_ERRORS), channel == kLores ? 1u : 0u);
	}
	EXPECT_EQ(m.at(Machine::kRing, sizeof(cmacam_completion)).back(), 0);
}

TEST_F(ChannelsTest, ALinkedChannelWaits)
{
	commit(kLores);
	commit(kLores, 1);
	m.enable(true);
	std::this_thread::sleep_for(std::chrono::milliseconds(20));
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), 0u) << "neither idle nor active";
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 2u);

	commit(kMain);
	m.enable();
	EXPECT_EQ(next(kMain)->sequence, 0u);
	EXPECT_EQ(next(kLores)->sequence, 0u);

	/* Channel 0 stops and starts again; lores waits, and counts with it anew. */
	m.select(kMain).disable();
	m.restartRing();
	EXPECT_EQ(m.select(kLores).ch(CMACAM_CH_STATUS), 0u);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 3u);
	commit(kMain);
	m.enable();
	EXPECT_EQ(next(kMain)->sequence, 0u);
	const auto lores = next(kLores);
	EXPECT_EQ(lores->sequence, 0u);
	EXPECT_EQ(lores->addr, buffer(kLores, 1));
	EXPECT_EQ(logged("picture=0"), 4u);

	/* Without it channel 0 goes on. */
	m.select(kLores).disable();
	commit(kMain);
	EXPECT_EQ(next(kMain)->sequence, 1u);
}

TEST_F(ChannelsTest, JoiningTakesTheSequence)
{
	for (unsigned int i = 0; i < 3; i++) {
		commit(kMain);
		m.enable();
		ASSERT_TRUE(next(kMain));
	}
	commit(kLores);
	m.enable(true);
	commit(kMain);
	EXPECT_EQ(next(kMain)->sequence, 3u);
	const auto lores = next(kLores);
	EXPECT_EQ(lores->sequence, 3u);
	EXPECT_EQ(lores->dropped, 0u);
}

TEST_F(ChannelsTest, HoldWaitsForAll)
{
	commit(kMain);
	m.select(kLores).enable(true);
	m.select(kMain).enable();
	m.select(kStats).enable();
	commit(kLores);
	std::this_thread::sleep_for(std::chrono::milliseconds(20));
	EXPECT_EQ(logged("frame"), 0u) << "statistics have no address";
	commit(kStats);
	for (uint32_t channel : {kMain, kLores, kStats}) {
		const auto entry = next(channel);
		ASSERT_TRUE(entry);
		EXPECT_EQ(entry->sequence, 0u);
	}
}

TEST_F(ChannelsTest, ResetStopsAll)
{
	for (uint32_t channel : {kLores, kStats, kMain}) {
		m.select(channel).enable();
		commit(channel);
	}
	m.engine->reset();
	for (uint32_t channel : {kLores, kStats, kMain}) {
		EXPECT_EQ(m.select(channel).ch(CMACAM_CH_STATUS), CMACAM_CH_STATUS_IDLE);
		EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4u);
		EXPECT_EQ(m.ch(CMACAM_CH_SIZE_LIMIT), 0u);
	}
}
