/* SPDX-License-Identifier: MIT */
/*
 * Lines of a picture stretched to another size.
 */
#include "pixel/scaler.h"

#include <algorithm>
#include <utility>

namespace cmacam {

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

} /* namespace */

std::vector<Scaler::Tap> Scaler::tapsFor(uint32_t input, uint32_t output)
{
	std::vector<Tap> taps(output);

	for (uint32_t i = 0; i < output; i++) {
		/* Centre of pixel i in the input, 1/256 pixel, from the first centre. */
		const int64_t centre = (int64_t{2 * i + 1} * input * kUnit / output - kUnit) / 2;
		const int64_t last = int64_t{input - 1} * kUnit;
		const auto position = static_cast<uint32_t>(std::clamp<int64_t>(centre, 0, last));

		taps[i].first = position / kUnit;
		taps[i].second = std::min(taps[i].first + 1, input - 1);
		taps[i].weight = static_cast<uint16_t>(position % kUnit);
	}

	return taps;
}

void Scaler::start(PicturePtr picture, Size output, uint32_t brightness)
{
	const Size input = picture->size();

	if (input != input_ || output != output_) {
		input_ = input;
		output_ = output;
		columns_ = tapsFor(input.width, output.width);
		rows_ = tapsFor(input.height, output.height);
		blended_.resize(output.width);
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

	picture_ = std::move(picture);
	brightness_ = brightness;
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
	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		const uint8_t *in = picture_->row(static_cast<Picture::Plane>(p), source);
		uint8_t *out = line.planes[p].data();
		for (std::size_t x = 0; x < columns_.size(); x++) {
			const Tap &tap = columns_[x];
			const uint32_t sum = in[tap.first] * (kUnit - tap.weight) +
					     in[tap.second] * tap.weight + kUnit / 2;
			out[x] = static_cast<uint8_t>(sum / kUnit);
		}
	}

	return line;
}

const uint8_t *Scaler::sourceRow(Picture::Plane plane, uint32_t y, uint32_t keep)
{
	if (input_.width == output_.width)
		return picture_->row(plane, y);

	return stretched(y, keep).planes[plane].data();
}

RgbLine Scaler::line(uint32_t y)
{
	const Tap &tap = rows_[y];
	const bool bright = brightness_ != kUnit;
	auto &result = result_[turn_++ % result_.size()];
	std::array<const uint8_t *, Picture::kPlanes> planes;

	for (unsigned int p = 0; p < Picture::kPlanes; p++) {
		const auto plane = static_cast<Picture::Plane>(p);
		const uint8_t *out = sourceRow(plane, tap.first, tap.second);

		if (tap.weight) {
			const uint8_t *second = sourceRow(plane, tap.second, tap.first);
			uint8_t *target = bright ? blended_.data() : result[p].data();
			blend(out, second, target, output_.width, tap.weight);
			out = target;
		}

		if (bright) {
			scaleBrightness(out, result[p].data(), output_.width, brightness_);
			out = result[p].data();
		} else if (!tap.weight && input_.width != output_.width) {
			/* A later line may stretch another row over this one. */
			std::copy_n(out, output_.width, result[p].begin());
			out = result[p].data();
		}

		planes[p] = out;
	}

	return {planes[Picture::kRed], planes[Picture::kGreen], planes[Picture::kBlue]};
}

} /* namespace cmacam */
