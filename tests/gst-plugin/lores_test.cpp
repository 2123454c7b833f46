/* SPDX-License-Identifier: MIT */
/*
 * Two elements on one camera, main and lores: together, alone, one before the
 * other. Runs inside the machine.
 */
#include <map>
#include <vector>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "sample.h"

namespace cmacam::gst {
namespace {

/* How many frames may be on the way when something changes. */
constexpr int kOnTheWay = 8;

std::string branch(const std::string &name, const std::string &caps)
{
	return " cmacamsrc name=" + name + " stream=" + name + " ! capsfilter name=" + name +
	       "caps caps=" + caps + " ! appsink name=" + name + "sink sync=false async=false ";
}

class LoresTest : public testing::Test
{
protected:
	void SetUp() override
	{
		takeFramesAsTheyAre(mainSink_);
		takeFramesAsTheyAre(loresSink_);
	}

	static GstAppSink *sink(const ElementPtr &element) { return GST_APP_SINK(element.get()); }

	/* An element alone, while the pipeline is in another state. */
	void set(const ElementPtr &element, GstState state)
	{
		gst_element_set_locked_state(element.get(), state != GST_STATE_PLAYING);
		gst_element_set_state(element.get(), state);
		gst_element_get_state(element.get(), nullptr, nullptr, kFrameLimit);
	}

	/* Until both have delivered a frame of the same moment: those are equal. */
	testing::AssertionResult meet(int limit = 4 * kOnTheWay)
	{
		std::map<guint64, GstClockTime> seen;

		for (int i = 0; i < limit; i++)
			for (const ElementPtr *one : {&mainSink_, &loresSink_}) {
				const SamplePtr sample = pullFrom(*one);
				if (!sample)
					return testing::AssertionFailure() << "no frame";
				const guint64 offset = GST_BUFFER_OFFSET(bufferOf(sample));
				const GstClockTime time = GST_BUFFER_PTS(bufferOf(sample));
				const auto [other, first] = seen.emplace(offset, time);
				if (!first && other->second == time)
					return testing::AssertionSuccess();
			}
		return testing::AssertionFailure() << "no frame of the same moment";
	}

	Pipeline pipeline_{branch("main", "video/x-raw,format=NV12,width=320,height=240") +
			   branch("lores", "video/x-raw,format=GRAY8,width=162,height=122")};
	ElementPtr main_ = pipeline_.element("main");
	ElementPtr lores_ = pipeline_.element("lores");
	ElementPtr mainSink_ = pipeline_.element("mainsink");
	ElementPtr loresSink_ = pipeline_.element("loressink");
};

/* From the very first frame on: neither starts before the other is ready. */
TEST_F(LoresTest, FramesOfOneMomentAreStampedAlike)
{
	pipeline_.setState(GST_STATE_PLAYING);

	for (guint64 i = 0; i < 4; i++) {
		const SamplePtr main = pullFrom(mainSink_), lores = pullFrom(loresSink_);
		ASSERT_TRUE(main && lores);
		EXPECT_EQ(GST_BUFFER_OFFSET(bufferOf(main)), i);
		EXPECT_EQ(GST_BUFFER_OFFSET(bufferOf(lores)), i);
		EXPECT_EQ(GST_BUFFER_PTS(bufferOf(main)), GST_BUFFER_PTS(bufferOf(lores)));
		EXPECT_GE(gst_buffer_get_size(bufferOf(main)), 320u * 240 * 3 / 2);
		EXPECT_LT(gst_buffer_get_size(bufferOf(lores)), 320u * 122);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(LoresTest, EitherMayStopAndTheOtherGoesOn)
{
	pipeline_.setState(GST_STATE_PLAYING);
	for (const auto &[goes, stays] : {std::pair{&lores_, &mainSink_}, {&main_, &loresSink_}}) {
		ASSERT_TRUE(meet());
		set(*goes, GST_STATE_NULL);

		guint64 last = 0;
		for (int i = 0; i < kOnTheWay; i++) {
			const SamplePtr sample = pullFrom(*stays);
			ASSERT_TRUE(sample);
			EXPECT_TRUE(i == 0 || GST_BUFFER_OFFSET(bufferOf(sample)) > last) << i;
			last = GST_BUFFER_OFFSET(bufferOf(sample));
		}
		set(*goes, GST_STATE_PLAYING);
	}
	EXPECT_TRUE(meet());
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(LoresTest, EitherMayStartFirst)
{
	for (const auto &[first, second] :
	     {std::pair{&mainSink_, &lores_}, {&loresSink_, &main_}}) {
		set(*second, GST_STATE_NULL);
		pipeline_.setState(GST_STATE_PLAYING);
		ASSERT_TRUE(pullFrom(*first));

		/* One that is there and does not play yet holds nobody up. */
		set(*second, GST_STATE_PAUSED);
		for (int i = 0; i < 2 * kOnTheWay; i++)
			ASSERT_TRUE(pullFrom(*first)) << i;
		set(*second, GST_STATE_PLAYING);
		EXPECT_TRUE(meet());
		pipeline_.setState(GST_STATE_NULL);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(LoresTest, AnEndOfStreamIsForOneOfThem)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(meet());
	gst_element_send_event(lores_.get(), gst_event_new_eos());
	while (pullFrom(loresSink_))
		;
	EXPECT_TRUE(gst_app_sink_is_eos(sink(loresSink_)));
	for (int i = 0; i < kOnTheWay; i++)
		ASSERT_TRUE(pullFrom(mainSink_)) << i;
}

/* And gets frames of its own again once it lets go. */
TEST_F(LoresTest, WhoKeepsItsFramesDoesNotHoldUpTheOther)
{
	pipeline_.setState(GST_STATE_PLAYING);
	for (const auto &[keeper, other] :
	     {std::pair{&loresSink_, &mainSink_}, {&mainSink_, &loresSink_}}) {
		std::vector<SamplePtr> held;
		for (int i = 0; i < 4; i++)
			held.push_back(pullFrom(*keeper));
		for (int i = 0; i < 2 * kOnTheWay; i++)
			ASSERT_TRUE(pullFrom(*other)) << i;
		held.clear();
		EXPECT_TRUE(meet());
	}
}

TEST_F(LoresTest, APauseOfOneIsNoneOfTheOther)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(meet());
	set(lores_, GST_STATE_PAUSED);
	for (int i = 0; i < kOnTheWay; i++)
		ASSERT_TRUE(pullFrom(mainSink_)) << i;
	set(lores_, GST_STATE_PLAYING);
	EXPECT_TRUE(meet());
}

TEST_F(LoresTest, NewCapsOfOneLeaveTheOtherItsSize)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(meet());

	const CapsPtr wanted(gst_caps_from_string("video/x-raw,format=GRAY8,width=200,height=150"));
	g_object_set(pipeline_.element("lorescaps").get(), "caps", wanted.get(), nullptr);
	gint width = 0;
	for (int i = 0; i < 4 * kOnTheWay && width != 200; i++) {
		const SamplePtr sample = pullFrom(loresSink_);
		ASSERT_TRUE(sample);
		gst_structure_get_int(capsOf(sample), "width", &width);
	}
	EXPECT_EQ(width, 200);

	ASSERT_TRUE(meet());
	const SamplePtr sample = pullFrom(mainSink_);
	ASSERT_TRUE(sample);
	gst_structure_get_int(capsOf(sample), "width", &width);
	EXPECT_EQ(width, 320);
}

/* There is one sensor. */
TEST_F(LoresTest, TheFrameRateIsThatOfMain)
{
	const CapsPtr slow(gst_caps_from_string(
		"video/x-raw,format=NV12,width=320,height=240,framerate=20/1"));
	g_object_set(pipeline_.element("maincaps").get(), "caps", slow.get(), nullptr);
	pipeline_.setState(GST_STATE_PLAYING);

	const auto rateIs = [this](int wanted) {
		gint numerator = 0, denominator = 1;
		for (int i = 0; i < 4 * kOnTheWay && numerator != wanted * denominator; i++) {
			const SamplePtr main = pullFrom(mainSink_), lores = pullFrom(loresSink_);
			if (!main || !lores)
				return false;
			gst_structure_get_fraction(capsOf(lores), "framerate", &numerator,
						   &denominator);
		}
		return numerator == wanted * denominator;
	};
	EXPECT_TRUE(rateIs(20));

	const CapsPtr slower(gst_caps_from_string(
		"video/x-raw,format=NV12,width=320,height=240,framerate=10/1"));
	g_object_set(pipeline_.element("maincaps").get(), "caps", slower.get(), nullptr);
	EXPECT_TRUE(rateIs(10));
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(LoresTest, ADifferentFrameRateIsOneClearError)
{
	const CapsPtr other(gst_caps_from_string("video/x-raw,framerate=15/1"));
	g_object_set(pipeline_.element("lorescaps").get(), "caps", other.get(), nullptr);
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pullFrom(mainSink_));

	const Problems problems = pipeline_.problems(kFrameLimit);
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_NE(problems.text.find("15/1"), std::string::npos) << problems.text;
	EXPECT_NE(problems.text.find("30 frames"), std::string::npos) << problems.text;
}

TEST_F(LoresTest, BayerIsForMainOnly)
{
	const CapsPtr bayer(
		gst_caps_from_string("video/x-bayer,format=rggb10le,width=320,height=240"));
	g_object_set(pipeline_.element("maincaps").get(), "caps", bayer.get(), nullptr);
	pipeline_.setState(GST_STATE_PLAYING);
	EXPECT_TRUE(meet());
	pipeline_.setState(GST_STATE_NULL);

	g_object_set(pipeline_.element("lorescaps").get(), "caps", bayer.get(), nullptr);
	pipeline_.setState(GST_STATE_PLAYING);
	EXPECT_TRUE(pullFrom(mainSink_));
	const Problems problems = pipeline_.problems(kFrameLimit);
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_NE(problems.text.find("it offers"), std::string::npos) << problems.text;
}

TEST_F(LoresTest, OneElementPerStream)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(meet());

	Pipeline second("cmacamsrc stream=lores ! fakesink");
	EXPECT_EQ(second.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
	const Problems problems = second.problems();
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_BUSY);
	EXPECT_TRUE(meet());
}

} /* namespace */
} /* namespace cmacam::gst */
