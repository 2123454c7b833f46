/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view of the pixels of a frame, or of a part of one.
 */

#include <cmacam/frame_view.h>

namespace cmacam {

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

} /* namespace cmacam */
