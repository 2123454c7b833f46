/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A frame: a lease on the buffer that it lies in.
 */

#include <cmacam/frame.h>

#include <array>
#include <cerrno>
#include <utility>

#include <cmacam/mapping_pair.h>

namespace cmacam {

namespace {

/* A frame of the caller's dma-bufs. */
class DmaBufSource final : public FrameSource
{
public:
	explicit DmaBufSource(MappingPair mappings) : mappings_(std::move(mappings)) {}

	Result<const FrameMapping *> mapping(unsigned int, Stream stream, Access access) override
	{
		if (stream != Stream::Main)
			return Error{ENOENT, "the frame has only the main stream"};
		return mappings_.get(access);
	}

	void giveBack(unsigned int) noexcept override {}

private:
	MappingPair mappings_;
};

/* A copy of a frame. */
class CopySource final : public FrameSource
{
public:
	std::array<std::optional<FrameMapping>, 2> streams;
	std::vector<NamedValue> told;

	Result<const FrameMapping *> mapping(unsigned int, Stream stream, Access) override
	{
		const auto &copy = streams[static_cast<std::size_t>(stream)];
		if (!copy)
			return Error{ENOENT, "the frame has no such stream"};
		return &*copy;
	}

	void giveBack(unsigned int) noexcept override {}
	std::vector<NamedValue> metadata(unsigned int) const override { return told; }
};

/* A piece of metadata of the type \a T; nothing if there is none, or one of another type. */
template <typename T>
std::optional<T> typedValue(const Frame &frame, std::string_view name)
{
	const std::optional<ControlValue> value = frame.metadata(name);
	const T *found = value ? std::get_if<T>(&*value) : nullptr;

	return found ? std::optional(*found) : std::nullopt;
}

/* A time in libcamera's metadata, whose unit \a T has. */
template <typename T>
std::optional<T> timeOf(const Frame &frame, std::string_view name)
{
	const auto count = typedValue<std::int64_t>(frame, name);

	return count ? std::optional(T(*count)) : std::nullopt;
}

} /* namespace */

std::vector<NamedValue> metadataOf(const FrameInfo &info)
{
	std::vector<NamedValue> all;

	if (info.timestamp)
		all.push_back({"SensorTimestamp", info.timestamp});
	if (info.wallClock)
		all.push_back({"FrameWallClock", info.wallClock});
	if (info.exposure.count())
		all.push_back({"ExposureTime", std::int64_t{info.exposure.count()}});
	if (info.duration.count())
		all.push_back({"FrameDuration", std::int64_t{info.duration.count()}});
	if (info.analogueGain == 0)
		return all;
	all.push_back({"AnalogueGain", info.analogueGain});
	all.push_back({"DigitalGain", info.digitalGain});
	all.push_back({"AeState", static_cast<std::int64_t>(info.aeState)});
	return all;
}

std::vector<NamedValue> FrameSource::metadata(unsigned int) const
{
	return {};
}

std::optional<ControlValue> FrameSource::metadatum(unsigned int buffer, std::string_view name) const
{
	for (NamedValue &entry : metadata(buffer)) {
		if (entry.name == name)
			return std::move(entry.value);
	}

	return std::nullopt;
}

Frame::Frame(std::shared_ptr<FrameSource> source, unsigned int buffer, const FrameInfo &info)
	: Frame(std::move(source), buffer, info, 0)
{
	lease_ = source_->leases.take(buffer, info.sequence);
}

Frame::Frame(std::shared_ptr<FrameSource> source, unsigned int buffer, const FrameInfo &info,
	     LeaseTable::Id lease)
	: source_(std::move(source)), buffer_(buffer), info_(info), lease_(lease)
{
}

Frame::Frame(Frame &&other) noexcept
	: source_(std::exchange(other.source_, nullptr)),
	  buffer_(other.buffer_),
	  info_(other.info_),
	  lease_(other.lease_)
{
}

Frame &Frame::operator=(Frame &&other) noexcept
{
	if (this != &other) {
		release();
		source_ = std::exchange(other.source_, nullptr);
		buffer_ = other.buffer_;
		info_ = other.info_;
		lease_ = other.lease_;
	}

	return *this;
}

void Frame::release() noexcept
{
	const std::shared_ptr<FrameSource> source = std::exchange(source_, nullptr);
	if (!source)
		return;
	source->leaseEnds();
	if (source->leases.end(lease_))
		source->giveBack(buffer_);
}

Result<Frame> Frame::fromDmaBuf(const FrameLayout &layout, const FrameInfo &info)
{
	Result<MappingPair> mappings = MappingPair::map(layout);
	if (!mappings)
		return mappings.error();

	return Frame(std::make_shared<DmaBufSource>(*std::move(mappings)), 0, info);
}

Frame &Frame::hold(std::string_view holder)
{
	if (source_)
		source_->leases.name(lease_, holder);

	return *this;
}

Frame Frame::share() const
{
	if (!source_)
		return {nullptr, buffer_, info_, 0};

	return {source_, buffer_, info_, source_->leases.share(lease_)};
}

Result<const FrameMapping *> Frame::mapping(Stream stream, Access access) const
{
	if (!source_)
		return Error{EBADF, "the frame was released"};

	return source_->mapping(buffer_, stream, access);
}

Result<const FrameLayout *> Frame::layout(Stream stream) const
{
	Result<const FrameMapping *> found = mapping(stream, Access::Read);
	if (!found)
		return found.error();

	return &(*found)->layout();
}

Result<MappedFrame> Frame::map(Stream stream, Access access) const &
{
	Result<const FrameMapping *> found = mapping(stream, access);
	if (!found)
		return found.error();

	return (*found)->begin();
}

Result<MappedFrame> Frame::roi(const Rect &rect, Stream stream, Access access) const &
{
	Result<const FrameMapping *> found = mapping(stream, access);
	if (!found)
		return found.error();

	return (*found)->begin(rect);
}

Result<Frame> Frame::copy() const
{
	auto source = std::make_shared<CopySource>();

	for (Stream stream : {Stream::Main, Stream::Lores}) {
		Result<const FrameMapping *> original = mapping(stream, Access::Read);
		if (!original && original.error().code == ENOENT)
			continue;
		if (!original)
			return original.error();

		Result<MappedFrame> pixels = (*original)->begin();
		if (!pixels)
			return pixels.error();

		Result<FrameMapping> copied = FrameMapping::copyOf(*pixels);
		if (!copied)
			return copied.error();
		if (Result<void> ended = pixels->end(); !ended)
			return ended.error();

		source->streams[static_cast<std::size_t>(stream)].emplace(*std::move(copied));
	}
	source->told = metadata();

	return Frame(std::move(source), 0, info_);
}

std::vector<NamedValue> Frame::metadata() const
{
	return source_ ? source_->metadata(buffer_) : std::vector<NamedValue>();
}

std::optional<ControlValue> Frame::metadata(std::string_view name) const
{
	return source_ ? source_->metadatum(buffer_, name) : std::nullopt;
}

std::optional<std::chrono::microseconds> Frame::exposure() const
{
	return timeOf<std::chrono::microseconds>(*this, "ExposureTime");
}

std::optional<double> Frame::gain() const
{
	return typedValue<double>(*this, "AnalogueGain");
}

std::optional<std::chrono::microseconds> Frame::duration() const
{
	return timeOf<std::chrono::microseconds>(*this, "FrameDuration");
}

std::optional<std::chrono::nanoseconds> Frame::wallClock() const
{
	return timeOf<std::chrono::nanoseconds>(*this, "FrameWallClock");
}

} /* namespace cmacam */
