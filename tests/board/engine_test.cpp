/* SPDX-License-Identifier: MIT */
/*
 * The register file: identity, reset, what EN refuses, interrupts, FIFO, stop.
 */
#include "engine/engine.h"

#include <chrono>
#include <memory>
#include <thread>

#include "machine.h"

using namespace cmacam::board;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t kIdle = CMACAM_CH_STATUS_IDLE;

class EngineTest : public testing::Test
{
protected:
	Machine m;
};

/* A frame is in flight when the test begins; open it before the test ends. */
class InFlightTest : public testing::Test
{
protected:
	InFlightTest()
	{
		m.configure();
		m.commit(Machine::buffer(0));
		m.commit(Machine::buffer(1));
		m.enable();
		gate->awaitFrame();
	}

	Gate *gate = new Gate; /* the machine's */
	Machine m{Machine::unpaced(), {}, std::unique_ptr<Source>(gate)};
};

/* Every register that software can change, with a value that it accepts. */
struct Writable
{
	uint32_t offset;
	uint32_t value;
};

constexpr Writable kWritable[] = {
	{CMACAM_IRQ_ENABLE, 7},
	{CMACAM_SENSOR_VBLANK, 1000},
	{CMACAM_SENSOR_EXPOSURE, 77},
	{CMACAM_SENSOR_GAIN, 999},
	{CMACAM_SENSOR_PATTERN, 2},
	{CMACAM_SENSOR_HOLD, 1},
	{CMACAM_SENSOR_FLIP, 3},
	{CMACAM_SENSOR_CROP_POS, 0x00640032},
	{CMACAM_SENSOR_CROP_SIZE, 0x01e00280},
	{CMACAM_ISP_RED_GAIN, 300},
	{CMACAM_ISP_BLUE_GAIN, 200},
	{CMACAM_ISP_BRIGHTNESS, static_cast<uint32_t>(-5)},
	{CMACAM_ISP_CONTRAST, 0},
	{CMACAM_ISP_SATURATION, 1024},
	{CMACAM_CH(0) + CMACAM_CH_INT_ENABLE, 0x1f},
	{CMACAM_CH(0) + CMACAM_CH_WIDTH, 640},
	{CMACAM_CH(0) + CMACAM_CH_HEIGHT, 480},
	{CMACAM_CH(0) + CMACAM_CH_FORMAT, 1},
	{CMACAM_CH(0) + CMACAM_CH_STRIDE, 640},
	{CMACAM_CH(0) + CMACAM_CH_SIZE_LIMIT, 4711},
	{CMACAM_CH(0) + CMACAM_CH_ADDR_HI, 3},
	{CMACAM_CH(0) + CMACAM_CH_RING_LO, 0x1000},
	{CMACAM_CH(0) + CMACAM_CH_RING_HI, 2},
	{CMACAM_CH(0) + CMACAM_CH_RING_ENTRIES, 8},
	{CMACAM_CH(0) + CMACAM_CH_FAULT, 0xf},
	{CMACAM_CH(1) + CMACAM_CH_WIDTH, 320},
	{CMACAM_CH(2) + CMACAM_CH_SIZE_LIMIT, 4096},
};

} /* namespace */

TEST_F(EngineTest, SaysWhatItIs)
{
	EXPECT_EQ(m.read(CMACAM_ID), CMACAM_ID_MAGIC);
	EXPECT_EQ(m.read(CMACAM_VERSION), CMACAM_VERSION_MAJOR << 16 | CMACAM_VERSION_MINOR);
	EXPECT_EQ(m.read(CMACAM_CAPS), 3u | 4u << 8 | 64u << 16 | CMACAM_CAPS_FAULTS);
	EXPECT_EQ(m.read(CMACAM_ALIGN), 6u) << "frames at 64 bytes, strides at any";
	EXPECT_EQ(m.read(CMACAM_CH(0) + CMACAM_CH_FORMATS), 0xf7fu);
	EXPECT_EQ(m.read(CMACAM_CH(1) + CMACAM_CH_FORMATS), 0xf3bu);
	EXPECT_EQ(m.read(CMACAM_CH(2) + CMACAM_CH_FORMATS), 0x80u);
	EXPECT_EQ(m.read(CMACAM_SENSOR_ARRAY), 2160u << 16 | 3840);
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), kIdle);
}

TEST(EngineCapabilities, FollowTheCommandLine)
{
	Machine m(Machine::unpaced(), {.versionMajor = 3,
				       .versionMinor = 7,
				       .channels = 2,
				       .fifoDepth = 1,
				       .addressBits = 32,
				       .strideAlign = 256,
				       .sensorWidth = 640,
				       .sensorHeight = 480});
	EXPECT_EQ(m.read(CMACAM_VERSION), 3u << 16 | 7);
	EXPECT_EQ(m.read(CMACAM_CAPS), 2u | 1u << 8 | 32u << 16 | CMACAM_CAPS_FAULTS);
	EXPECT_EQ(m.read(CMACAM_ALIGN), 6u | 8u << CMACAM_ALIGN_STRIDE_SHIFT);
	EXPECT_EQ(m.read(CMACAM_SENSOR_ARRAY), 480u << 16 | 640);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 1u);
	EXPECT_EQ(m.read(CMACAM_CH(1) + CMACAM_CH_FIFO_SPACE), 1u);
	m.write(CMACAM_CH(2) + CMACAM_CH_SIZE_LIMIT, 1);
	EXPECT_EQ(m.read(CMACAM_CH(2) + CMACAM_CH_SIZE_LIMIT), 0u);
	EXPECT_EQ(m.read(CMACAM_CH(2) + CMACAM_CH_STATUS), 0u) << "there is no third channel";
}

TEST_F(EngineTest, RegistersKeepValuesUntilReset)
{
	std::vector<uint32_t> defaults;
	for (const Writable &reg : kWritable) {
		defaults.push_back(m.read(reg.offset));
		m.write(reg.offset, reg.value);
		EXPECT_EQ(m.read(reg.offset), reg.value) << std::hex << reg.offset;
	}

	m.write(CMACAM_CTRL, CMACAM_CTRL_RESET);
	EXPECT_EQ(m.read(CMACAM_CTRL), 0u);
	for (std::size_t i = 0; i < defaults.size(); i++)
		EXPECT_EQ(m.read(kWritable[i].offset), defaults[i])
			<< std::hex << kWritable[i].offset;
}

TEST_F(EngineTest, ReservedOffsetsReadZero)
{
	for (uint32_t offset :
	     {0x018u, 0x02cu, 0x0dcu, CMACAM_CH(0) + 0x50, CMACAM_CH(0) + CMACAM_CH_LIST_HI,
	      CMACAM_CH(0) + 0x64, CMACAM_CH(3), 0xffcu}) {
		m.write(offset, ~0u);
		EXPECT_EQ(m.read(offset), 0u) << std::hex << offset;
	}
}

TEST_F(EngineTest, TimeLatchesItsHighHalf)
{
	const auto before = std::chrono::steady_clock::now();
	const auto time = [this] {
		const uint64_t low = m.read(CMACAM_TIME_LO);
		return uint64_t{m.read(CMACAM_TIME_HI)} << 32 | low;
	};
	const uint64_t first = time();
	std::this_thread::sleep_for(20ms);
	const uint64_t second = time();
	const auto elapsed = std::chrono::steady_clock::now() - before;

	EXPECT_GE(second - first, 20000000u);
	EXPECT_LE(second - first, static_cast<uint64_t>(std::chrono::nanoseconds(elapsed).count()));
}

/* Each case breaks one register of a configuration that is accepted otherwise. */
TEST_F(EngineTest, EnableRefusesBadConfiguration)
{
	const Writable bad[] = {
		{CMACAM_CH_WIDTH, 14},
		{CMACAM_CH_WIDTH, 33},
		{CMACAM_CH_WIDTH, 3842},
		{CMACAM_CH_HEIGHT, 0},
		{CMACAM_CH_HEIGHT, 31},
		{CMACAM_CH_HEIGHT, 2162},
		{CMACAM_CH_FORMAT, CMACAM_FMT_COUNT},
		{CMACAM_CH_FORMAT, CMACAM_FMT_SRGGB10}, /* stride too small for it */
		{CMACAM_CH_STRIDE, 0},
		{CMACAM_CH_STRIDE, 63}, /* less than a line */
		{CMACAM_CH_STRIDE, 65536},
		{CMACAM_CH_SIZE_LIMIT, 0},
		{CMACAM_CH_RING_ENTRIES, 1},
		{CMACAM_CH_RING_ENTRIES, 1025},
		{CMACAM_CH_RING_LO, Machine::kRing + 8},
		{CMACAM_CH_RING_LO, 0x1000},
		{CMACAM_CH_RING_LO, Machine::kBase + Machine::kSize - 64},
		{CMACAM_CH_RING_HI, 1},
	};

	for (const Writable &reg : bad) {
		m.configure();
		m.setCh(reg.offset, reg.value);
		m.enable();
		EXPECT_EQ(m.ch(CMACAM_CH_CTRL), 0u) << std::hex << reg.offset << "=" << reg.value;
		EXPECT_EQ(m.ch(CMACAM_CH_STATUS), kIdle);
		EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), CMACAM_CH_INT_CONFIG);
		m.setCh(CMACAM_CH_INT_STATUS, CMACAM_CH_INT_CONFIG);
	}

	m.configure();
	m.enable();
	EXPECT_EQ(m.ch(CMACAM_CH_CTRL), CMACAM_CH_CTRL_EN);
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS) & kIdle, 0u);
	EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), 0u);
}

/* A stride is a multiple of the board's alignment, and splits no sample of the format. */
TEST(EngineStride, IsAlignedForTheBoardAndTheFormat)
{
	/* By code: the bytes of a packed line of 18 pixels, and what its stride may grow by. */
	constexpr struct
	{
		uint32_t format, packed, step;
	} kLines[] = {
		{CMACAM_FMT_GREY, 18, 1},   {CMACAM_FMT_NV12, 18, 2},	{CMACAM_FMT_SRGGB10, 36, 2},
		{CMACAM_FMT_Y10, 36, 2},    {CMACAM_FMT_YUYV, 36, 4},	{CMACAM_FMT_BGR24, 54, 1},
		{CMACAM_FMT_SRGGB8, 18, 1}, {CMACAM_FMT_YUV420, 18, 2}, {CMACAM_FMT_RGB24, 54, 1},
		{CMACAM_FMT_XBGR32, 72, 4}, {CMACAM_FMT_RGBX32, 72, 4}};

	for (uint32_t align : {1u, 2u, 64u, 256u}) {
		Machine m(Machine::unpaced(), {.strideAlign = align});
		for (const auto &line : kLines) {
			for (uint32_t stride = line.packed; stride <= 256; stride++) {
				m.configure(line.format);
				m.setCh(CMACAM_CH_WIDTH, 18);
				m.setCh(CMACAM_CH_STRIDE, stride);
				m.enable();
				EXPECT_EQ(m.ch(CMACAM_CH_CTRL) == CMACAM_CH_CTRL_EN,
					  stride % align == 0 && stride % line.step == 0)
					<< "format " << line.format << " stride " << stride
					<< " alignment " << align;
				m.disable();
			}
		}
	}
}

TEST_F(EngineTest, EnableNeedsBusMastering)
{
	m.configure();
	m.memory.setMaster(false);
	m.enable();
	EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), CMACAM_CH_INT_CONFIG);
}

TEST_F(EngineTest, FullFifoRefusesAddresses)
{
	for (unsigned int i = 0; i < 4; i++) {
		EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4 - i);
		m.commit(Machine::buffer(i));
	}
	EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), 0u);
	m.commit(Machine::buffer(4));
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 0u);
	EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), CMACAM_CH_INT_FIFO_OVERFLOW);

	m.configure();
	m.enable();
	for (unsigned int i = 0; i < 4; i++)
		EXPECT_EQ(m.next()->addr, Machine::buffer(i)) << "first in, first out";
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4u);
}

TEST_F(EngineTest, InterruptsNeedBothEnables)
{
	m.configure();
	m.write(CMACAM_IRQ_ENABLE, 0);
	m.commit(Machine::buffer(0));
	m.enable();
	while (!(m.ch(CMACAM_CH_INT_STATUS) & CMACAM_CH_INT_FRAME_DONE))
		std::this_thread::yield();
	EXPECT_EQ(m.read(CMACAM_IRQ_STATUS), 1u);
	EXPECT_FALSE(m.waitInterrupt(0));

	m.write(CMACAM_IRQ_ENABLE, 1);
	EXPECT_TRUE(m.waitInterrupt(0)) << "what was pending is due when enabled";
	EXPECT_EQ(m.causes, CMACAM_CH_INT_FRAME_START | CMACAM_CH_INT_FRAME_DONE);
	EXPECT_EQ(m.read(CMACAM_IRQ_STATUS), 0u);

	m.setCh(CMACAM_CH_INT_ENABLE, 0);
	m.commit(Machine::buffer(1));
	while (!(m.ch(CMACAM_CH_INT_STATUS) & CMACAM_CH_INT_FRAME_DONE))
		std::this_thread::yield();
	EXPECT_EQ(m.read(CMACAM_IRQ_STATUS), 0u);
	EXPECT_FALSE(m.waitInterrupt(0));
	m.setCh(CMACAM_CH_INT_ENABLE, CMACAM_CH_INT_FRAME_DONE);
	EXPECT_TRUE(m.waitInterrupt(0));
}

TEST_F(EngineTest, DisableForgetsAddressesAndStops)
{
	m.configure();
	m.commit(Machine::buffer(0));
	m.enable();
	ASSERT_TRUE(m.next());

	m.disable();
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), kIdle);
	m.commit(Machine::buffer(1));
	std::this_thread::sleep_for(20ms);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 3u) << "disabled, yet an address was taken";

	/* Addresses written while idle are those of the next stream. */
	m.restartRing();
	m.enable();
	const auto completion = m.next();
	ASSERT_TRUE(completion);
	EXPECT_EQ(completion->sequence, 0u);
	EXPECT_EQ(completion->addr, Machine::buffer(1));
}

TEST(EngineStop, EmptiesTheFifo)
{
	Settings slow;
	slow.set("fps", "1");
	Machine m(slow);
	m.configure();
	for (unsigned int i = 0; i < 4; i++)
		m.commit(Machine::buffer(i));
	m.enable();
	ASSERT_TRUE(m.next());
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 1u);

	const auto before = std::chrono::steady_clock::now();
	m.disable();
	EXPECT_LT(std::chrono::steady_clock::now() - before, 500ms) << "waited for the next frame";
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4u);
	EXPECT_EQ(m.log().back(), "disable ch=0");
}

TEST_F(EngineTest, ResetWhileStreaming)
{
	m.configure();
	for (unsigned int i = 0; i < 3; i++)
		m.commit(Machine::buffer(i));
	m.enable();
	m.engine->reset();
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), kIdle);
	EXPECT_EQ(m.ch(CMACAM_CH_CTRL), 0u);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4u);
	EXPECT_EQ(m.read(CMACAM_IRQ_ENABLE), 0u);
}

TEST(EnginePacing, FixedRateSpacesStamps)
{
	Settings settings;
	settings.set("fps", "100");
	Machine m(settings);
	m.configure();
	for (unsigned int i = 0; i < 4; i++)
		m.commit(Machine::buffer(i));
	m.enable();

	std::vector<uint64_t> times;
	for (unsigned int i = 0; i < 4; i++)
		times.push_back(m.next()->time);
	for (unsigned int i = 1; i < 4; i++)
		EXPECT_GE(times[i] - times[i - 1], 10000000u);
}

TEST(EnginePacing, BlankingGivesTheRate)
{
	Settings settings; /* the sensor's */
	settings.set("starved", "hold");
	Machine m(settings);
	m.write(CMACAM_SENSOR_VBLANK, 90);
	m.configure();
	for (unsigned int i = 0; i < 4; i++)
		m.commit(Machine::buffer(i));
	m.enable();

	std::vector<uint64_t> times;
	for (unsigned int i = 0; i < 4; i++)
		times.push_back(m.next()->time);
	for (unsigned int i = 1; i < 4; i++)
		EXPECT_GE(times[i] - times[i - 1], 16666666u);
}

TEST_F(InFlightTest, RegistersAnswer)
{
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), CMACAM_CH_STATUS_ACTIVE);
	EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), CMACAM_CH_INT_FRAME_START);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 3u) << "the frame's address has left the FIFO";
	EXPECT_EQ(m.ch(CMACAM_CH_SEQUENCE), 0u);
	m.setCh(CMACAM_CH_CTRL, 0);
	gate->open();
	ASSERT_TRUE(m.next());
}

/* Disabled, but not idle: memory is still written, a new stream must wait. */
TEST_F(InFlightTest, DisableWaitsForTheFrame)
{
	m.setCh(CMACAM_CH_CTRL, 0);
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), CMACAM_CH_STATUS_ACTIVE);

	m.enable();
	EXPECT_EQ(m.ch(CMACAM_CH_CTRL), 0u);
	EXPECT_TRUE(m.ch(CMACAM_CH_INT_STATUS) & CMACAM_CH_INT_CONFIG);

	gate->open();
	const auto entry = m.next();
	ASSERT_TRUE(entry) << "the frame in progress completes as usual";
	EXPECT_EQ(entry->flags, 0u);
	m.disable();
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), kIdle);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4u);
	EXPECT_EQ(m.ch(CMACAM_CH_SEQUENCE), 1u) << "no second frame";
}

TEST_F(InFlightTest, ResetWaitsForTheFrame)
{
	m.write(CMACAM_CTRL, CMACAM_CTRL_RESET);
	EXPECT_EQ(m.read(CMACAM_CTRL), CMACAM_CTRL_RESET);
	m.write(CMACAM_SENSOR_GAIN, 512);
	m.commit(Machine::buffer(2));
	EXPECT_EQ(m.read(CMACAM_SENSOR_GAIN), 256u) << "writes are ignored until then";
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 3u);

	gate->open();
	while (m.read(CMACAM_CTRL))
		std::this_thread::yield();
	EXPECT_EQ(m.ch(CMACAM_CH_STATUS), kIdle);
	EXPECT_EQ(m.ch(CMACAM_CH_FIFO_SPACE), 4u);
	EXPECT_EQ(m.ch(CMACAM_CH_INT_STATUS), 0u);
}

TEST_F(InFlightTest, UnmapWaitsForTheFrame)
{
	m.setCh(CMACAM_CH_CTRL, 0);
	std::atomic<bool> unmapped = false;
	std::thread unmapper([&] {
		EXPECT_EQ(m.memory.unmap(Machine::kBase, Machine::kSize), 0);
		unmapped = true;
	});
	std::this_thread::sleep_for(20ms);
	EXPECT_FALSE(unmapped);
	gate->open();
	unmapper.join();
	m.disable();
}
