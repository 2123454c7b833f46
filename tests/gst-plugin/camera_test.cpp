/* SPDX-License-Identifier: MIT */
/*
 * The element on a camera: states, pauses, held frames, new caps.
 * CMACAM_TEST_CYCLES and CMACAM_TEST_RENEGOTIATIONS say how often.
 */
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

#include <gst/allocators/gstdmabuf.h>
#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <gtest/gtest.h>

#include "camera_fixture.h"
#include "frame_meta.h"
#include "manager.h"

namespace cmacam::gst {
namespace {

constexpr GstClockTime kStopLimit = 5 * GST_SECOND;

int times(const char *variable, int otherwise)
{
	const char *number = getenv(variable);

	return number ? atoi(number) : otherwise;
}

TEST_F(CameraTest, CyclesThroughItsStates)
{
	/* As with a second element: libcamera stays, what we do not give back is missed. */
	const auto manager = sharedManager();

	for (int i = 0; i < times("CMACAM_TEST_CYCLES", 20); i++) {
		pipeline_.setState(GST_STATE_PLAYING);
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample) << "round " << i;
		EXPECT_EQ(GST_BUFFER_OFFSET(bufferOf(sample)), 0u);
		EXPECT_EQ(pipeline_.setState(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
		EXPECT_EQ(pipeline_.setState(GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
		EXPECT_EQ(pipeline_.setState(i % 2 ? GST_STATE_READY : GST_STATE_NULL),
			  GST_STATE_CHANGE_SUCCESS);
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, FramesAreDmabufsInSequence)
{
	pipeline_.setState(GST_STATE_PLAYING);
	GstClockTime last = 0;

	for (guint64 i = 0; i < 8; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		GstBuffer *buffer = bufferOf(sample);

		ASSERT_EQ(gst_buffer_n_memory(buffer), 1u);
		EXPECT_TRUE(gst_is_dmabuf_memory(gst_buffer_peek_memory(buffer, 0)));
		EXPECT_GE(GST_BUFFER_OFFSET(buffer), i);
		EXPECT_TRUE(i == 0 || GST_BUFFER_PTS(buffer) > last);
		last = GST_BUFFER_PTS(buffer);
	}
}

/* The field @name of the frame's GstCmacamFrame. */
static guint fieldOf(const SamplePtr &sample, const char *name)
{
	GstCustomMeta *meta = gst_buffer_get_custom_meta(bufferOf(sample), kFrameMeta);
	guint value = G_MAXUINT;

	EXPECT_TRUE(meta &&
		    gst_structure_get_uint(gst_custom_meta_get_structure(meta), name, &value));
	return value;
}

/* More frames than there are shells, and one that is held meanwhile. */
TEST_F(CameraTest, EachFrameHasAMetaOfItsOwn)
{
	pipeline_.setState(GST_STATE_PLAYING);
	const SamplePtr first = pull();
	ASSERT_TRUE(first);

	guint64 last = GST_BUFFER_OFFSET(bufferOf(first));
	for (int i = 0; i < 12; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		const guint64 offset = GST_BUFFER_OFFSET(bufferOf(sample));
		EXPECT_EQ(fieldOf(sample, "sequence"), offset);
		EXPECT_EQ(fieldOf(sample, "lost"), offset - last - 1);
		last = offset;
	}
	EXPECT_EQ(fieldOf(first, "sequence"), GST_BUFFER_OFFSET(bufferOf(first)));
}

/* Whether @address is in a mapping of a dma-buf. */
static bool isMapped(const void *address)
{
	std::ifstream maps("/proc/self/maps");

	for (std::string line; std::getline(maps, line);) {
		uintptr_t begin, end;
		if (sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2 &&
		    uintptr_t(address) >= begin && uintptr_t(address) < end)
			return line.find("/dmabuf:") != std::string::npos;
	}
	return false;
}

TEST_F(CameraTest, AMappingIsKeptFromFrameToFrame)
{
	std::map<const GstMemory *, const guint8 *> mappings;

	pipeline_.setState(GST_STATE_PLAYING);
	for (int i = 0; i < 12; i++) {
		const SamplePtr sample = pull();
		ASSERT_TRUE(sample);
		GstMemory *memory = gst_buffer_peek_memory(bufferOf(sample), 0);
		GstMapInfo map;
		ASSERT_TRUE(gst_memory_map(memory, &map, GST_MAP_READ));
		/* Unmapping clears it. */
		const guint8 *data = map.data;
		gst_memory_unmap(memory, &map);

		EXPECT_TRUE(isMapped(data)) << "frame " << i;
		EXPECT_EQ(mappings.emplace(memory, data).first->second, data);
	}

	/* Those, too, that are with the camera again. */
	EXPECT_LE(mappings.size(), 6u);
	for (const auto &[memory, data] : mappings)
		EXPECT_TRUE(isMapped(data));
}

TEST_F(CameraTest, APauseIsNotALoss)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());
	pipeline_.setState(GST_STATE_PAUSED);

	/* At most what was on the way comes out, then nothing. */
	for (int i = 0; i < 8 && pull(kNothingMore); i++)
		ASSERT_LT(i, 7);

	pipeline_.setState(GST_STATE_PLAYING);
	EXPECT_TRUE(resumes());
	EXPECT_FALSE(pipeline_.wait(GST_MESSAGE_QOS, 0));
}

/* Faster than the streaming thread can notice. */
TEST_F(CameraTest, PausesAndPlaysInOneBreath)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	for (int i = 0; i < 40; i++) {
		pipeline_.setState(GST_STATE_PAUSED);
		pipeline_.setState(GST_STATE_PLAYING);
		ASSERT_TRUE(resumes()) << "round " << i;
	}
	EXPECT_EQ(pipeline_.problems().count, 0);
}

TEST_F(CameraTest, AnEosEventEndsTheStream)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	gst_element_send_event(pipeline_.get(), gst_event_new_eos());
	while (pull(kStopLimit))
		;
	EXPECT_TRUE(gst_app_sink_is_eos(GST_APP_SINK(sink_.get())));
}

TEST_F(CameraTest, StopsAtOnceWhileEveryFrameIsHeld)
{
	pipeline_.setState(GST_STATE_PLAYING);
	std::vector<SamplePtr> held = pullAll();
	ASSERT_GE(held.size(), 2u);

	const GstClockTime before = gst_util_get_timestamp();
	EXPECT_EQ(pipeline_.setState(GST_STATE_NULL), GST_STATE_CHANGE_SUCCESS);
	EXPECT_LT(gst_util_get_timestamp() - before, kStopLimit);

	/* The pixels outlive the stream, and new frames do not overwrite them. */
	pipeline_.setState(GST_STATE_PLAYING);
	EXPECT_TRUE(pull());
	for (const SamplePtr &sample : held) {
		GstMapInfo map;
		ASSERT_TRUE(gst_buffer_map(bufferOf(sample), &map, GST_MAP_READ));
		EXPECT_GT(map.size, 0u);
		gst_buffer_unmap(bufferOf(sample), &map);
	}
}

TEST_F(CameraTest, HealsWhenHeldFramesReturn)
{
	pipeline_.setState(GST_STATE_PLAYING);
	std::vector<SamplePtr> held = pullAll();
	const guint64 last = GST_BUFFER_OFFSET(bufferOf(held.back()));

	held.clear();
	const SamplePtr next = pull();
	ASSERT_TRUE(next);
	EXPECT_GT(GST_BUFFER_OFFSET(bufferOf(next)), last);
}

TEST_F(CameraTest, NewCapsWhilePlaying)
{
	setSize(324, 200);
	pipeline_.setState(GST_STATE_PLAYING);
	const SamplePtr old = pull();
	ASSERT_TRUE(old);

	for (int round = 0; round < times("CMACAM_TEST_RENEGOTIATIONS", 4); round++) {
		const int wanted = round % 2 ? 324 : 800;
		setSize(wanted, round % 2 ? 200 : 600);

		int width = 0;
		gsize size = 0;
		for (int i = 0; i < 100 && width != wanted; i++) {
			const SamplePtr sample = pull();
			ASSERT_TRUE(sample);
			size = gst_buffer_get_size(bufferOf(sample));
			gst_structure_get_int(capsOf(sample), "width", &width);
		}
		EXPECT_EQ(width, wanted);
		EXPECT_EQ(size > 640 * 480, wanted == 800) << size << " bytes";
	}
	EXPECT_EQ(pipeline_.problems().count, 0);

	GstMapInfo map;
	ASSERT_TRUE(gst_buffer_map(bufferOf(old), &map, GST_MAP_READ));
	EXPECT_GE(map.size, 324u * 200 * 3 / 2);
	gst_buffer_unmap(bufferOf(old), &map);
}

TEST_F(CameraTest, ASecondElementFindsTheCameraBusy)
{
	pipeline_.setState(GST_STATE_PLAYING);
	ASSERT_TRUE(pull());

	Pipeline second(source() + " ! fakesink");
	EXPECT_EQ(second.setState(GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
	const Problems problems = second.problems();
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_BUSY);
	EXPECT_NE(problems.text.find("in use"), std::string::npos) << problems.text;

	EXPECT_TRUE(pull());
}

TEST_F(CameraTest, AnImpossibleSizeIsOneClearError)
{
	setSize(30000, 200);
	pipeline_.setState(GST_STATE_PLAYING);

	const Problems problems = pipeline_.problems(kFrameLimit);
	EXPECT_EQ(problems.count, 1);
	EXPECT_EQ(problems.domain, GST_RESOURCE_ERROR);
	EXPECT_EQ(problems.code, GST_RESOURCE_ERROR_SETTINGS);
	EXPECT_NE(problems.text.find("30000"), std::string::npos) << problems.text;
	EXPECT_NE(problems.text.find("it offers"), std::string::npos) << problems.text;
}

} /* namespace */
} /* namespace cmacam::gst */
