/* SPDX-License-Identifier: MIT */
/*
 * Videos: one picture per sequence number, looped, kept or started over.
 */
#include "source/video_source.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "pipeline.h"

using namespace cmacam::board;

namespace {

constexpr unsigned int kPictures = 5;

bool same(const PicturePtr &a, const PicturePtr &b)
{
	if (a->size() != b->size())
		return false;

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		const auto plane = static_cast<Picture::Plane>(p);
		const std::size_t count = std::size_t{a->size().width} * a->size().height;
		if (!std::equal(a->row(plane, 0), a->row(plane, 0) + count, b->row(plane, 0)))
			return false;
	}

	return true;
}

class VideoSourceTest : public testing::Test
{
protected:
	static void SetUpTestSuite()
	{
		gst_init(nullptr, nullptr);
		path_ = testing::TempDir() + "board-video-" + std::to_string(getpid()) + ".avi";
		runPipeline("videotestsrc pattern=ball num-buffers=" + std::to_string(kPictures) +
			    " ! video/x-raw,format=I420,width=160,height=120,framerate=5/1"
			    " ! jpegenc ! avimux ! filesink location=" +
			    path_);
	}
	static void TearDownTestSuite() { unlink(path_.c_str()); }

	static std::string path_;
};

std::string VideoSourceTest::path_;

} /* namespace */

TEST_F(VideoSourceTest, PicturesFollowSequenceNumbers)
{
	VideoSource source(path_, VideoSource::AtEnd::Loop);
	const PicturePtr first = source.picture(0, {});
	EXPECT_EQ(first->size(), (Size{160, 120}));
	const PicturePtr second = source.picture(1, {});
	EXPECT_FALSE(same(first, second));
	EXPECT_EQ(source.picture(1, {}), second) << "the same number is the same picture";
}

TEST_F(VideoSourceTest, LoopsWithItsPeriod)
{
	VideoSource source(path_, VideoSource::AtEnd::Loop);
	std::vector<PicturePtr> pictures;
	for (uint64_t i = 0; i < 2 * kPictures + 1; i++)
		pictures.push_back(source.picture(i, {}));
	for (std::size_t i = 0; i + kPictures < pictures.size(); i++)
		EXPECT_TRUE(same(pictures[i], pictures[i + kPictures])) << i;
	EXPECT_FALSE(same(pictures[kPictures - 1], pictures[kPictures]));
}

TEST_F(VideoSourceTest, OnceKeepsTheLastPicture)
{
	VideoSource source(path_, VideoSource::AtEnd::KeepLast);
	const PicturePtr last = source.picture(kPictures - 1, {});
	EXPECT_TRUE(same(source.picture(kPictures, {}), last));
	EXPECT_TRUE(same(source.picture(100, {}), last));
}

TEST_F(VideoSourceTest, SmallerNumbersStartOver)
{
	for (auto atEnd : {VideoSource::AtEnd::Loop, VideoSource::AtEnd::KeepLast}) {
		VideoSource source(path_, atEnd);
		const PicturePtr first = source.picture(0, {});
		const PicturePtr third = source.picture(2, {});
		EXPECT_TRUE(same(source.picture(0, {}), first));
		EXPECT_TRUE(same(source.picture(2, {}), third));
		source.picture(kPictures + 3, {});
		EXPECT_TRUE(same(source.picture(0, {}), first));
	}
}

TEST_F(VideoSourceTest, LostFramesSkipPictures)
{
	VideoSource all(path_, VideoSource::AtEnd::Loop);
	all.picture(1, {});
	all.picture(2, {});
	const PicturePtr expected = all.picture(3, {});

	VideoSource some(path_, VideoSource::AtEnd::Loop);
	some.skip(0);
	some.skip(2);
	EXPECT_TRUE(same(some.picture(3, {}), expected));
}

TEST_F(VideoSourceTest, BrokenFilesAreRefused)
{
	const std::string path = path_ + ".txt";
	std::ofstream(path) << "no video\n";
	EXPECT_THROW(VideoSource(path, VideoSource::AtEnd::Loop), std::invalid_argument);
	unlink(path.c_str());
}
