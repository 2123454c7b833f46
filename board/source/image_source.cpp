/* SPDX-License-Identifier: MIT */
/*
 * One picture, from an image file, in every frame.
 */
#include "source/image_source.h"

#include <algorithm>
#include <array>
#include <format>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "source/video_source.h"

namespace cmacam::board {

namespace {

constexpr std::string_view kPng = "\x89PNG";
constexpr std::string_view kJpeg = "\xff\xd8\xff";
constexpr std::string_view kJpegEnd = "\xff\xd9";
constexpr std::string_view kPpm = "P6";

/* What programs append to a JPEG, bytes. */
constexpr std::streamoff kMaxTrailer = 512;

constexpr uint32_t kMaxImageSize = 0xffff; /* pixels or lines */
constexpr uint32_t kMaxSample = 255;

std::string beginning(const std::string &path)
{
	std::array<char, 4> bytes{};
	std::ifstream file(path, std::ios::binary);

	file.read(bytes.data(), bytes.size());
	return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

[[noreturn]] void refuse(const std::string &path, std::string_view reason)
{
	throw std::invalid_argument(std::format("cannot show '{}': {}", path, reason));
}

/*
 * The decoder shows grey where a JPEG ends too early, and complains to nobody.
 * A thumbnail in its head has an end too, so the end must stand near that of the
 * file.
 */
void checkJpegEnd(const std::string &path)
{
	std::ifstream file(path, std::ios::binary | std::ios::ate);
	const std::streamoff size = file.tellg();

	file.seekg(std::max<std::streamoff>(size - kMaxTrailer, 0));
	const std::string bytes{std::istreambuf_iterator<char>(file), {}};
	if (bytes.rfind(kJpegEnd) == bytes.npos)
		refuse(path, "the JPEG is cut short");
}

/* A number of the header, after blanks and comments; 0 if there is none in range. */
uint32_t ppmNumber(std::istream &file, uint32_t max)
{
	uint32_t value = 0;

	while ((file >> std::ws).peek() == '#')
		file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
	return file >> value && value <= max ? value : 0;
}

PicturePtr readPpm(const std::string &path)
{
	std::ifstream file(path, std::ios::binary);

	file.ignore(static_cast<std::streamsize>(kPpm.size()));
	const uint32_t width = ppmNumber(file, kMaxImageSize);
	const uint32_t height = ppmNumber(file, kMaxImageSize);
	const uint32_t max = ppmNumber(file, kMaxSample);
	if (!width || !height || max != kMaxSample)
		refuse(path, "a PPM must have a size and samples up to 255");
	file.get(); /* the one blank before the samples */

	const std::size_t bytes = std::size_t{3} * width;
	std::string line(bytes, '\0');
	auto picture = std::make_shared<Picture>(Size{width, height});
	for (uint32_t y = 0; y < height; y++) {
		if (!file.read(line.data(), static_cast<std::streamsize>(bytes)))
			refuse(path, "the PPM is cut short");
		for (unsigned int p = 0; p < Picture::kPlanes; p++) {
			uint8_t *row = picture->row(static_cast<Picture::Plane>(p), y);
			for (uint32_t x = 0; x < width; x++)
				row[x] = static_cast<uint8_t>(line[3 * x + p]);
		}
	}

	return picture;
}

} /* namespace */

bool ImageSource::recognises(const std::string &path)
{
	const std::string bytes = beginning(path);

	return std::ranges::any_of(std::array{kPng, kJpeg, kPpm}, [&](std::string_view magic) {
		return bytes.starts_with(magic);
	});
}

ImageSource::ImageSource(const std::string &path)
{
	const std::string bytes = beginning(path);

	if (bytes.starts_with(kPpm)) {
		picture_ = readPpm(path);
		return;
	}

	if (bytes.starts_with(kJpeg))
		checkJpegEnd(path);
	picture_ = VideoSource(path, VideoSource::AtEnd::KeepLast).picture(0, {});
}

} /* namespace cmacam::board */
