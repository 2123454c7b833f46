/* SPDX-License-Identifier: MIT */
/*
 * The signal snapshot on a camera: the picture is that of the frame beside it.
 */
#include <array>
#include <chrono>
#include <cstdint>
#include <future>

#include <gst/gst.h>
#include <gtest/gtest.h>

#include "camera_fixture.h"

using namespace std::chrono_literals;

namespace cmacam::gst {
namespace {

/* What the board writes over the first bytes of each frame: struct cmacam_mark. */
struct Mark
{
	uint32_t magic;
	uint32_t sequence;
	uint64_t nonce;
	uint32_t channel;
};

Mark markOf(const SamplePtr &sample)
{
	Mark mark{};
	EXPECT_EQ(gst_buffer_extract(bufferOf(sample), 0, &mark, 20), 20U);
	return mark;
}

class CameraSnapshotTest : public CameraTest
{
protected:
	/* What is kept of a frame, whose buffer the camera needs. */
	struct Facts
	{
		GstClockTime time;
		uint32_t sequence;
	};

	void SetUp() override
	{
		CameraTest::SetUp();
		const CapsPtr caps(
			gst_caps_from_string("video/x-raw,format=NV12,width=1280,height=720"));
		g_object_set(camera_.get(), "still-caps", caps.get(), nullptr);
		setSize(320, 240);
		pipeline_.setState(GST_STATE_PLAYING);
	}

	SamplePtr snapshot()
	{
		GstSample *sample = nullptr;
		g_signal_emit_by_name(camera_.get(), "snapshot", guint64(kFrameLimit), &sample);
		return SamplePtr(sample);
	}

	std::array<Facts, 64> facts_{};
};

TEST_F(CameraSnapshotTest, ShowsTheFrameBesideItAndNoFrameIsLost)
{
	/* There are snapshots while the camera streams. */
	ASSERT_TRUE(pull());
	guint64 next = 1;

	for (int i = 0; i < 4; i++) {
		auto coming = std::async(std::launch::async, [this] { return snapshot(); });
		/* Until it is there, and its frame as well. */
		SamplePtr still;
		while (!still || next <= GST_BUFFER_OFFSET(bufferOf(still))) {
			SamplePtr frame = pull();
			ASSERT_TRUE(frame);
			ASSERT_EQ(GST_BUFFER_OFFSET(bufferOf(frame)), next++) << "a frame was lost";
			EXPECT_EQ(markOf(frame).channel, 1U);
			facts_[GST_BUFFER_OFFSET(bufferOf(frame)) % facts_.size()] = {
				GST_BUFFER_PTS(bufferOf(frame)), markOf(frame).sequence};
			if (!still && coming.wait_for(0s) == std::future_status::ready) {
				still = coming.get();
				ASSERT_TRUE(still);
			}
		}

		const guint64 offset = GST_BUFFER_OFFSET(bufferOf(still));
		const Facts &facts = facts_[offset % facts_.size()];
		ASSERT_LT(next - offset, facts_.size()) << "too long ago";
		EXPECT_EQ(GST_BUFFER_PTS(bufferOf(still)), facts.time);
		EXPECT_EQ(markOf(still).sequence, facts.sequence);
		EXPECT_EQ(markOf(still).channel, 0U);
		gint width = 0;
		gst_structure_get_int(capsOf(still), "width", &width);
		EXPECT_EQ(width, 1280);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

} /* namespace */
} /* namespace cmacam::gst */
