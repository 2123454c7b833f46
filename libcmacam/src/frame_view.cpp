/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view of the pixels of a frame, or of a part of one.
 */

#include <cmacam/frame_view.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace cmacam {

namespace {

/*
 * Conversion to BGR: BT.709, limited range to full range.
 * Rec. ITU-R BT.709-6, items 3.2 to 3.4, for 8 bits: luma has codes 16 to 235,
 * chroma 16 to 240 about 128. In 1/65536.
 */
constexpr int kShift = 16;
constexpr int kLuma = 76309;	   /* 255 / 219 */
constexpr int kCrToRed = 117489;   /* 255 / 224 * 1.5748 */
constexpr int kCbToGreen = -13975; /* 255 / 224 * -0.1873 */
constexpr int kCrToGreen = -34925; /* 255 / 224 * -0.4681 */
constexpr int kCbToBlue = 138438;  /* 255 / 224 * 1.8556 */

struct Pixel
{
	int luma;
	int cb = 128;
	int cr = 128;
};

std::byte code(int value)
{
	return static_cast<std::byte>(std::clamp((value + (1 << (kShift - 1))) >> kShift, 0, 255));
}

int at(std::span<const std::byte> line, std::size_t index)
{
	return std::to_integer<int>(line[index]);
}

/* The colours of a pixel stand where `kBlue` and `kRed` say, green between them. */
template <std::size_t kBytes, std::size_t kBlue, std::size_t kRed>
void pickLine(std::byte *out, unsigned int width, std::span<const std::byte> line)
{
	const std::byte *pixel = line.data();
	for (unsigned int x = 0; x < width; x++, out += 3, pixel += kBytes) {
		out[0] = pixel[kBlue];
		out[1] = pixel[1];
		out[2] = pixel[kRed];
	}
}

/* One line, whose pixel x is pixel(x). */
template <typename Function>
void convertLine(std::byte *out, unsigned int width, Function pixel)
{
	for (unsigned int x = 0; x < width; x++, out += 3) {
		const Pixel p = pixel(x);
		const int luma = (p.luma - 16) * kLuma;
		const int cb = p.cb - 128;
		const int cr = p.cr - 128;

		out[0] = code(luma + cb * kCbToBlue);
		out[1] = code(luma + cb * kCbToGreen + cr * kCrToGreen);
		out[2] = code(luma + cr * kCrToRed);
	}
}

} /* namespace */

std::optional<MappedPlane> FrameView::gray() const
{
	if (!planeCount_ || (format_ != PixelFormat::Gray8 && format_ != PixelFormat::Nv12 &&
			     format_ != PixelFormat::Yuv420))
		return std::nullopt;

	return planes_[0];
}

std::optional<Nv12Planes> FrameView::nv12() const
{
	if (!planeCount_ || format_ != PixelFormat::Nv12)
		return std::nullopt;

	return Nv12Planes{planes_[0], planes_[1]};
}

std::optional<Yuv420Planes> FrameView::yuv420() const
{
	if (!planeCount_ || format_ != PixelFormat::Yuv420)
		return std::nullopt;

	return Yuv420Planes{planes_[0], planes_[1], planes_[2]};
}

Result<FrameView> FrameView::roi(const Rect &rect) const
{
	const FrameLayout whole{format_, width_, height_, {}};
	if (Result<Rect> inside = samplesOf(whole, 0, rect); !inside)
		return inside.error();

	FrameView part(format_, rect.width, rect.height);
	part.columnPhase_ = (columnPhase_ + rect.x) % 2;
	part.linePhase_ = (linePhase_ + rect.y) % 2;

	const FrameLayout grid{format_, width_ + columnPhase_, height_ + linePhase_, {}};
	for (const MappedPlane &plane : planes()) {
		/* A plane begins with the first coarse sample, not with the view. */
		const PlaneFormat &format = formatInfo(format_).planes[part.planeCount_];
		Rect pixels = rect;
		if (format.horizontal > 1)
			pixels.x += columnPhase_;
		if (format.vertical > 1)
			pixels.y += linePhase_;

		const Result<Rect> samples = samplesOf(grid, part.planeCount_, pixels);
		if (!samples)
			return samples.error();

		const std::size_t start = static_cast<std::size_t>(samples->y) * plane.stride +
					  static_cast<std::size_t>(samples->x) * plane.sampleSize;
		const std::size_t length =
			static_cast<std::size_t>(samples->height - 1) * plane.stride +
			static_cast<std::size_t>(samples->width) * plane.sampleSize;
		part.planes_[part.planeCount_++] = {plane.data.subspan(start, length),
						    samples->width, samples->height, plane.stride,
						    plane.sampleSize};
	}

	return part;
}

Result<void> FrameView::bgr(std::span<std::byte> to, std::size_t stride) const
{
	if (!planeCount_)
		return Error{ENODATA, "no pixels to convert: the access to the frame has ended"};
	if (formatInfo(format_).bayer)
		return Error{ENOTSUP,
			     std::string(formatInfo(format_).name) +
				     " is a Bayer mosaic, which bgr() cannot convert: demosaic it"};

	const std::size_t lineBytes = std::size_t{3} * width_;
	if (stride < lineBytes || to.size() < lineBytes ||
	    (to.size() - lineBytes) / stride < height_ - 1)
		return Error{EINVAL, std::to_string(to.size()) + " bytes with a stride of " +
					     std::to_string(stride) + " are too few for " +
					     std::to_string(width_) + "x" +
					     std::to_string(height_) + " pixels of BGR"};

	for (unsigned int y = 0; y < height_; y++) {
		std::byte *out = to.data() + y * stride;
		const std::span<const std::byte> line = planes_[0].line(y);

		switch (format_) {
		case PixelFormat::Gray8:
			convertLine(out, width_,
				    [&](unsigned int x) { return Pixel{at(line, x)}; });
			break;
		case PixelFormat::Gray10:
			convertLine(out, width_, [&](unsigned int x) {
				const std::size_t byte = std::size_t{2} * x;
				const int word = at(line, byte) | at(line, byte + 1) << 8;
				return Pixel{word >> 2};
			});
			break;
		case PixelFormat::Nv12: {
			const auto chroma = planes_[1].line((linePhase_ + y) / 2);
			convertLine(out, width_, [&](unsigned int x) {
				const std::size_t pair = (columnPhase_ + x) / 2 * 2;
				return Pixel{at(line, x), at(chroma, pair), at(chroma, pair + 1)};
			});
			break;
		}
		case PixelFormat::Yuv420: {
			const auto cb = planes_[1].line((linePhase_ + y) / 2);
			const auto cr = planes_[2].line((linePhase_ + y) / 2);
			convertLine(out, width_, [&](unsigned int x) {
				const std::size_t sample = (columnPhase_ + x) / 2;
				return Pixel{at(line, x), at(cb, sample), at(cr, sample)};
			});
			break;
		}
		case PixelFormat::Yuyv:
			convertLine(out, width_, [&](unsigned int x) {
				const std::size_t column = columnPhase_ + x;
				const std::size_t sample = column / 2 * 4;
				return Pixel{at(line, column * 2), at(line, sample + 1),
					     at(line, sample + 3)};
			});
			break;
		case PixelFormat::Bgr24:
			std::memcpy(out, line.data(), lineBytes);
			break;
		case PixelFormat::Rgb24:
			pickLine<3, 2, 0>(out, width_, line);
			break;
		case PixelFormat::Bgrx32:
			pickLine<4, 0, 2>(out, width_, line);
			break;
		case PixelFormat::Rgbx32:
			pickLine<4, 2, 0>(out, width_, line);
			break;
		case PixelFormat::Srggb8:
		case PixelFormat::Srggb10:
			break;
		}
	}

	return {};
}

} /* namespace cmacam */
