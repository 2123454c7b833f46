/* SPDX-License-Identifier: MIT */
/*
 * Lines of a picture, or of a part of it, at another size and mirrored.
 */
#include "pixel/scaler.h"

#include <algorithm>

#include <cmacam-regs.h>

namespace cmacam::board {

namespace {

constexpr uint32_t kUnit = 256;

void blend(const uint8_t *__restrict a, const uint8_t *__restrict b, uint8_t *__restrict out,
	   std::size_t count, uint16_t weight)
{
	const auto rest = static_cast<uint16_t>(kUnit - weight);

	for (std::size_t i = 0; i < count; i++) {
		const auto sum = static_cast<uint16_t>(a[i] * rest + b[i] * weight + kUnit / 2);
		out[i] = static_cast<uint8_t>(sum >> 8);
	}
}

/*
 * One direction: where the centre of each output pixel lies in a picture of
 * `input` pixels that stands for an array of `array`, of which `size` from
 * `begin` on are shown.
 */
template <typename Taps>
Taps tapsFor(uint32_t input, uint32_t array, uint32_t begin, uint32_t size, uint32_t output,
	     bool mirrored)
{
	Taps taps(output);

	for (uint32_t i = 0; i < output; i++) {
		/* In half output pixels of the array, then in 1/256 pixels from the first centre.
		 */
		const int64_t place = int64_t{2 * i + 1} * size + int64_t{2} * begin * output;
		const int64_t centre =
			place * input * kUnit / (int64_t{2} * output * array) - kUnit / 2;
		const int64_t last = int64_t{input - 1} * kUnit;
		const auto position = static_cast<uint32_t>(std::clamp<int64_t>(centre, 0, last));

		taps[i].first = position / kUnit;
		taps[i].second = std::min(taps[i].first + 1, input - 1);
		taps[i].weight = static_cast<uint16_t>(position % kUnit);
	}

	if (mirrored)
		std::ranges::reverse(taps);
	return taps;
}

} /* namespace */

Scaler::Order Scaler::orderOf(const Taps &taps)
{
	bool rising = true, falling = true;

	for (std::size_t i = 0; i < taps.size(); i++) {
		const auto step = static_cast<uint32_t>(i);
		rising &= !taps[i].weight && taps[i].first == taps[0].first + step;
		falling &= !taps[i].weight && taps[i].first + step == taps[0].first;
	}

	return rising ? Order::Rising : falling ? Order::Falling : Order::Scaled;
}

void Scaler::start(const Picture &picture, const View &view, Size output)
{
	const Size input = picture.size();

	if (input != input_ || view != view_ || output != output_) {
		input_ = input;
		view_ = view;
		output_ = output;
		columns_ = tapsFor<Taps>(input.width, view.array.width, view.crop.left,
					 view.crop.width, output.width,
					 view.flip & CMACAM_FLIP_HORIZONTAL);
		rows_ = tapsFor<Taps>(input.height, view.array.height, view.crop.top,
				      view.crop.height, output.height,
				      view.flip & CMACAM_FLIP_VERTICAL);
		columnOrder_ = orderOf(columns_);
		rowOrder_ = orderOf(rows_);
		for (auto &line : result_) {
			for (Row &row : line)
				row.resize(output.width);
		}
		for (Stretched &line : stretched_) {
			for (Row &row : line.planes)
				row.resize(output.width);
		}
	}

	for (Stretched &line : stretched_)
		line.valid = false;

	picture_ = &picture;
}

void Scaler::stretch(Picture::Plane plane, uint32_t source, uint8_t *__restrict out) const
{
	const uint8_t *__restrict in = picture_->row(plane, source);

	switch (columnOrder_) {
	case Order::Rising:
		std::copy_n(in + columns_.front().first, columns_.size(), out);
		break;
	case Order::Falling:
		std::reverse_copy(in + columns_.back().first,
				  in + columns_.back().first + columns_.size(), out);
		break;
	case Order::Scaled:
		for (std::size_t x = 0; x < columns_.size(); x++) {
			const Tap &tap = columns_[x];
			const uint32_t sum = in[tap.first] * (kUnit - tap.weight) +
					     in[tap.second] * tap.weight + kUnit / 2;
			out[x] = static_cast<uint8_t>(sum / kUnit);
		}
		break;
	}
}

const Scaler::Stretched &Scaler::stretched(uint32_t source, uint32_t keep)
{
	for (const Stretched &line : stretched_) {
		if (line.valid && line.source == source)
			return line;
	}

	const bool firstKept = stretched_[0].valid && stretched_[0].source == keep;
	Stretched &line = stretched_[firstKept ? 1 : 0];
	line.valid = true;
	line.source = source;
	for (unsigned int p = 0; p < Picture::kPlanes; p++)
		stretch(static_cast<Picture::Plane>(p), source, line.planes[p].data());

	return line;
}

const uint8_t *Scaler::sourceRow(Picture::Plane plane, uint32_t y, uint32_t keep)
{
	if (columnOrder_ == Order::Rising)
		return picture_->row(plane, y) + columns_.front().first;

	return stretched(y, keep).planes[plane].data();
}

RgbLine Scaler::line(uint32_t y)
{
	const Tap &tap = rows_[y];
	auto &result = result_[turn_++ % result_.size()];
	std::array<const uint8_t *, Picture::kPlanes> planes;

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		const auto plane = static_cast<Picture::Plane>(p);
		uint8_t *out = result[p].data();

		if (!tap.weight && columnOrder_ == Order::Rising) {
			planes[p] = sourceRow(plane, tap.first, tap.second);
			continue;
		}

		if (rowOrder_ != Order::Scaled) {
			/* No other line needs this one. */
			stretch(plane, tap.first, out);
		} else if (!tap.weight) {
			/* A later line may stretch another row over it. */
			std::copy_n(sourceRow(plane, tap.first, tap.second), output_.width, out);
		} else {
			const uint8_t *first = sourceRow(plane, tap.first, tap.second);
			const uint8_t *second = sourceRow(plane, tap.second, tap.first);
			blend(first, second, out, output_.width, tap.weight);
		}
		planes[p] = out;
	}

	return {planes[Picture::kRed], planes[Picture::kGreen], planes[Picture::kBlue]};
}

} /* namespace cmacam::board */
