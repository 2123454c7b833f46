/* SPDX-License-Identifier: MIT */
/*
 * Registers and knobs that change pixels, seen in frames.
 */
#include <algorithm>
#include <cmath>

#include "machine.h"

using namespace cmacam::board;

namespace {

constexpr uint32_t kArray = 128; /* in both directions */
constexpr uint32_t kSize = 64;
constexpr uint32_t kStats = CMACAM_CH_STATS;

/* Four quarters of one colour each, the size of the array. */
class Quarters : public Source
{
public:
	PicturePtr picture(uint64_t, Size) override
	{
		auto picture = std::make_shared<Picture>(Size{kArray, kArray});
		for (unsigned int p = 0; p < Picture::kPlanes; p++) {
			for (uint32_t y = 0; y < kArray; y++) {
				uint8_t *row = picture->row(static_cast<Picture::Plane>(p), y);
				for (uint32_t x = 0; x < kArray; x++)
					row[x] = kColours[y / 64][x / 64][p];
			}
		}
		return picture;
	}
	void skip(uint64_t) override {}

	/* By row and column. */
	static constexpr uint8_t kColours[2][2][3] = {{{100, 50, 20}, {60, 60, 60}},
						      {{20, 80, 40}, {10, 20, 120}}};
};

struct Bgr
{
	uint8_t b, g, r;
	bool operator==(const Bgr &) const = default;
	friend void PrintTo(const Bgr &colour, std::ostream *out)
	{
		*out << int{colour.r} << "," << int{colour.g} << "," << int{colour.b};
	}
};

Bgr colour(unsigned int row, unsigned int column)
{
	const uint8_t *rgb = Quarters::kColours[row][column];
	return {rgb[2], rgb[1], rgb[0]};
}

class ImageTest : public testing::Test
{
protected:
	ImageTest() { configure(CMACAM_FMT_BGR24); }

	void configure(uint32_t format)
	{
		m.select(CMACAM_CH_MAIN).configure(format, 1 << 20);
		m.setCh(CMACAM_CH_HEIGHT, kSize);
		m.setCh(CMACAM_CH_STRIDE, 3 * kSize);
	}
	/* Takes a frame; of BGR24, what one pixel of it is. */
	void frame()
	{
		m.commit(Machine::buffer(0));
		m.enable();
		ASSERT_TRUE(m.next());
	}
	Bgr at(uint32_t x, uint32_t y)
	{
		const auto bytes = m.at(Machine::buffer(0) + 3 * (kSize * y + x), 3);
		return {bytes[0], bytes[1], bytes[2]};
	}
	cmacam_stats_data statistics()
	{
		m.select(CMACAM_CH_MAIN).disable();
		m.select(kStats).configure(CMACAM_FMT_STATS, 4096);
		frame();
		cmacam_stats_data data;
		std::memcpy(&data, m.at(Machine::buffer(0), sizeof(data)).data(), sizeof(data));
		return data;
	}

	Machine m{Machine::unpaced(),
		  {.sensorWidth = kArray, .sensorHeight = kArray},
		  std::make_unique<Quarters>()};
};

} /* namespace */

TEST_F(ImageTest, Flips)
{
	frame();
	EXPECT_EQ(at(0, 0), colour(0, 0));
	EXPECT_EQ(at(63, 0), colour(0, 1));
	m.write(CMACAM_SENSOR_FLIP, CMACAM_FLIP_HORIZONTAL);
	frame();
	EXPECT_EQ(at(0, 0), colour(0, 1));
	EXPECT_EQ(at(0, 63), colour(1, 1));
	m.write(CMACAM_SENSOR_FLIP, CMACAM_FLIP_VERTICAL);
	frame();
	EXPECT_EQ(at(0, 0), colour(1, 0));
	EXPECT_EQ(at(63, 63), colour(0, 1));
}

TEST_F(ImageTest, Crop)
{
	m.write(CMACAM_SENSOR_CROP_POS, 32u << 16 | 64);
	m.write(CMACAM_SENSOR_CROP_SIZE, 64u << 16 | 64);
	frame();
	EXPECT_EQ(at(0, 0), colour(0, 1));
	EXPECT_EQ(at(63, 31), colour(0, 1));
	EXPECT_EQ(at(0, 32), colour(1, 1));
	EXPECT_EQ(at(63, 63), colour(1, 1));

	/* The same for the statistics. */
	const auto data = statistics();
	EXPECT_EQ(data.zones[0][0].blue, 60 * 256);
	EXPECT_EQ(data.zones[CMACAM_STATS_ROWS - 1][0].blue, 120 * 256);
}

TEST_F(ImageTest, Processing)
{
	m.write(CMACAM_ISP_RED_GAIN, 512);
	m.write(CMACAM_ISP_BLUE_GAIN, 128);
	frame();
	EXPECT_EQ(at(0, 0), (Bgr{10, 50, 200}));
	m.write(CMACAM_ISP_BRIGHTNESS, static_cast<uint32_t>(-30));
	frame();
	EXPECT_EQ(at(0, 0), (Bgr{0, 20, 170}));
	m.write(CMACAM_ISP_BRIGHTNESS, 0);
	m.write(CMACAM_ISP_CONTRAST, 128);
	frame();
	EXPECT_EQ(at(0, 0), (Bgr{69, 89, 164}));
	m.write(CMACAM_ISP_SATURATION, 0);
	frame();
	EXPECT_EQ(at(0, 0).r, at(0, 0).g);
	EXPECT_EQ(at(0, 0).r, at(0, 0).b);
}

/* Bayer shows the sensor; luma of ten bits is processed as that of eight. */
TEST_F(ImageTest, ProcessingByFormat)
{
	const auto first = [this](uint32_t format) {
		configure(format);
		m.restartRing();
		frame();
		m.disable();
		return int{m.at(Machine::buffer(0), 1)[0]};
	};
	const int raw = first(CMACAM_FMT_SRGGB8), luma = first(CMACAM_FMT_Y10);
	m.write(CMACAM_ISP_BRIGHTNESS, 3);
	EXPECT_EQ(first(CMACAM_FMT_SRGGB8), raw);
	EXPECT_NE(first(CMACAM_FMT_Y10), luma);
	m.engine->set("light", "1");
	EXPECT_EQ(first(CMACAM_FMT_SRGGB8), 2 * raw);
}

TEST_F(ImageTest, TestPatternsAreLeftAlone)
{
	m.write(CMACAM_SENSOR_PATTERN, CMACAM_PATTERN_BARS);
	frame();
	std::vector<Bgr> plain;
	for (uint32_t x = 0; x < kSize; x++)
		plain.push_back(at(x, 5));

	m.write(CMACAM_SENSOR_FLIP, 3);
	m.write(CMACAM_SENSOR_CROP_SIZE, 32u << 16 | 32);
	m.write(CMACAM_SENSOR_GAIN, 512);
	m.write(CMACAM_ISP_RED_GAIN, 512);
	m.write(CMACAM_ISP_SATURATION, 0);
	m.write(CMACAM_ISP_BRIGHTNESS, 50);
	m.engine->set("light", "-3");
	frame();
	for (uint32_t x = 0; x < kSize; x++)
		ASSERT_EQ(at(x, 5), plain[x]) << x;

	const auto data = statistics();
	EXPECT_EQ(data.zones[0][0].red, 191 * 256) << "white is on the left";
	EXPECT_EQ(data.zones[0][CMACAM_STATS_COLUMNS - 1].red, 0);
}

TEST_F(ImageTest, StatisticsComeBeforeProcessing)
{
	m.write(CMACAM_ISP_RED_GAIN, 512);
	m.write(CMACAM_ISP_BRIGHTNESS, 50);
	m.write(CMACAM_ISP_SATURATION, 0);
	m.write(CMACAM_SENSOR_GAIN, 512);
	const auto data = statistics();
	EXPECT_EQ(data.zones[0][0].red, 200 * 256);
	EXPECT_EQ(data.zones[0][0].green, 100 * 256);
	EXPECT_EQ(data.zones[0][0].blue, 40 * 256);
}

TEST_F(ImageTest, LightKnobs)
{
	m.engine->set("light", "1");
	frame();
	EXPECT_EQ(at(0, 0), (Bgr{40, 100, 200}));
	m.engine->set("light", "-1.5");
	frame();
	EXPECT_EQ(at(0, 0), (Bgr{7, 18, 35}));

	/* Exposure makes up for it, without loss on the way. */
	m.engine->set("light", "-4");
	m.write(CMACAM_SENSOR_GAIN, 16 * 256);
	frame();
	EXPECT_EQ(at(0, 0), colour(0, 0));

	m.engine->set("light", "0");
	m.write(CMACAM_SENSOR_GAIN, 256);
	m.engine->set("light-temperature", "2750");
	frame();
	EXPECT_EQ(at(0, 0), (Bgr{10, 50, 200}));
}

/* Written while frames run, all of it lands in one frame and in its entry. */
TEST_F(ImageTest, HoldMakesOneFrameOfIt)
{
	for (uint32_t i = 0; i < 20; i++) {
		const bool red = i % 2;
		m.write(CMACAM_SENSOR_HOLD, 1);
		m.write(CMACAM_ISP_RED_GAIN, red ? 512 : 256);
		frame();
		m.write(CMACAM_SENSOR_FLIP, red);
		m.write(CMACAM_SENSOR_HOLD, 0);
		const Bgr before = at(0, 0);
		EXPECT_EQ(before.r, i == 0 ? 100 : red ? 100 : 120) << i;
		frame();
		EXPECT_EQ(at(0, 0).r, red ? 120 : 100) << i;
	}
}
