/* SPDX-License-Identifier: MIT */
/*
 * Still pictures from files: three formats, and what is refused.
 */
#include "source/image_source.h"

#include <fstream>
#include <stdexcept>

#include <gst/gst.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "pipeline.h"

using namespace cmacam::board;

namespace {

constexpr Size kSize = {160, 120};

class ImageSourceTest : public testing::Test
{
protected:
	static void SetUpTestSuite() { gst_init(nullptr, nullptr); }
	~ImageSourceTest() override { unlink(path.c_str()); }

	/* One grey picture, encoded. */
	void encode(const std::string &encoder)
	{
		runPipeline("videotestsrc num-buffers=1 pattern=solid-color "
			    "foreground-color=0xff646464 ! video/x-raw,width=160,height=120 ! " +
			    encoder + " ! filesink location=" + path);
	}
	void write(const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }
	void cut()
	{
		std::ifstream file(path, std::ios::binary | std::ios::ate);
		ASSERT_EQ(truncate(path.c_str(), file.tellg() / 2), 0);
	}
	std::string refusal()
	{
		try {
			ImageSource source(path);
		} catch (const std::invalid_argument &error) {
			return error.what();
		}
		return "accepted";
	}

	const std::string path = testing::TempDir() + "board-image-" + std::to_string(getpid());
};

} /* namespace */

TEST_F(ImageSourceTest, DecodesPngAndJpeg)
{
	for (const char *encoder : {"pngenc", "jpegenc"}) {
		encode(encoder);
		EXPECT_TRUE(ImageSource::recognises(path)) << encoder;
		ImageSource source(path);
		const PicturePtr picture = source.picture(0, {});
		ASSERT_EQ(picture->size(), kSize) << encoder;
		for (unsigned int p = 0; p < Picture::kPlanes; p++)
			EXPECT_NEAR(picture->row(static_cast<Picture::Plane>(p), 60)[80], 100, 3)
				<< encoder;
		source.skip(1);
		EXPECT_EQ(source.picture(1000, {}), picture) << "every frame shows it";
	}
}

TEST_F(ImageSourceTest, ReadsPpm)
{
	write("P6\n# a comment\n2 # width\n 2\n255\nabcdefghijkl");
	EXPECT_TRUE(ImageSource::recognises(path));
	const PicturePtr picture = ImageSource(path).picture(0, {});
	ASSERT_EQ(picture->size(), (Size{2, 2}));
	EXPECT_EQ(picture->row(Picture::kRed, 0)[0], 'a');
	EXPECT_EQ(picture->row(Picture::kGreen, 0)[1], 'e');
	EXPECT_EQ(picture->row(Picture::kBlue, 1)[1], 'l');
}

TEST_F(ImageSourceTest, RefusesWhatIsCutShort)
{
	encode("pngenc");
	cut();
	EXPECT_TRUE(refusal().starts_with("cannot play '" + path + "'")) << refusal();
	encode("jpegenc");
	cut();
	EXPECT_EQ(refusal(), "cannot show '" + path + "': the JPEG is cut short");
	write("P6 2 2 255\nabcdefghijk");
	EXPECT_EQ(refusal(), "cannot show '" + path + "': the PPM is cut short");
}

TEST_F(ImageSourceTest, RefusesBadHeaders)
{
	for (const char *bytes : {"P6", "P6 0 2 255\n", "P6 2 -1 255\n",
				  "P6 2 2 65535\nabcdefghijkl", "P6 99999 2 255\nabc"}) {
		write(bytes);
		EXPECT_EQ(refusal(), "cannot show '" + path +
					     "': a PPM must have a size and samples up to 255")
			<< bytes;
	}
	write("\x89PNG and nothing more");
	EXPECT_TRUE(refusal().starts_with("cannot play '" + path + "'")) << refusal();
}

TEST_F(ImageSourceTest, RecognisesNothingElse)
{
	EXPECT_FALSE(ImageSource::recognises(path)) << "there is no file";
	for (const char *bytes : {"", "P", "RIFF....AVI ", "P5 2 2 255\nabcd"}) {
		write(bytes);
		EXPECT_FALSE(ImageSource::recognises(path)) << bytes;
	}
}
