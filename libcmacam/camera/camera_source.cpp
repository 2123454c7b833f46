/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a Camera is made of: leases and policies on top of a session.
 */

#include "camera_source.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <system_error>
#include <utility>

#include <libcamera/control_ids.h>

#include "camera_errors.h"
#include "controls.h"
#include "device_access.h"
#include "errors.h"
#include "open_stream.h"

namespace cmacam {

namespace {

/*
 * What a lease has to leave under Policy::Copy: a buffer to write, one for the
 * newest frame that waits, and one to copy from.
 */
constexpr std::size_t kCameraShare = 3;

/* How often the thread for frames looks whether its camera is starved. */
constexpr std::chrono::seconds kDelivery{5};

bool isWanted(const StreamOptions &options)
{
	return !options.format.empty() || options.width || options.height;
}

/* An error if libcamera does not know the format that was asked for. */
Result<void> checkFormat(const std::string &format, const CameraOffer &offer)
{
	if (format.empty() || libcamera::PixelFormat::fromString(format).isValid())
		return {};

	std::string known;
	for (const FormatOffer &one : offer.formats)
		known += (known.empty() ? "" : ", ") + one.format.toString();
	return Error{EINVAL, "there is no pixel format '" + format +
				     "'; the formats of this stream are " + known};
}

StreamSettings settingsOf(const StreamOptions &options, libcamera::StreamRole role,
			  unsigned int buffers)
{
	StreamSettings settings;

	settings.role = role;
	settings.buffers = buffers;
	if (!options.format.empty())
		settings.format = libcamera::PixelFormat::fromString(options.format);
	if (options.width && options.height)
		settings.size = {options.width, options.height};
	return settings;
}

} /* namespace */

Result<void> Camera::Source::open(const CameraOptions &options)
{
	policy_ = options.policy;
	log_ = options.log;

	if (options.still && isWanted(options.lores))
		return Error{EINVAL, "a camera has two streams: open it with lores or with stills"};
	flow_ = options.still ? Stream::Lores : Stream::Main;

	auto session = openStream(options.id, flow_);
	if (!session)
		return session.error();
	id_ = (*session)->id();
	session_[flow_] = *std::move(session);
	if (options.still) {
		if (Result<void> result = openStills(); !result)
			return result;
	} else if (isWanted(options.lores)) {
		auto second = openStream(id_, Stream::Lores);
		if (!second)
			return second.error();
		session_[Stream::Lores] = *std::move(second);
		session_[flow_]->tie();
	}

	if (Result<void> result = configure(options); !result)
		return result;
	automatic_.emplace(session_[flow_]->controls());
	return set(options.controls);
}

Result<void> Camera::Source::openStills()
{
	const CameraSession &session = *session_[flow_];
	if (session.camera()->streams().size() < 2)
		return Error{EINVAL, "Camera '" + id_ +
					     "' has only one stream, so it has no stills beside "
					     "other frames"};

	auto share = openStream(id_, Stream::Main);
	if (!share)
		return share.error();
	(*share)->setOnDemand(Stream::Main);
	stills_ = std::make_shared<StillSource>(*std::move(share));
	return {};
}

Result<void> Camera::Source::configure(const CameraOptions &options)
{
	using libcamera::StreamRole;

	CameraSession &session = *session_[flow_];
	const bool both = !stills_ && session_[Stream::Lores];
	PerStream<const StreamOptions *> wanted{};
	PerStream<std::optional<StreamSettings>> wishes;

	wanted[flow_] = &options.main;
	if (both)
		wanted[Stream::Lores] = &options.lores;
	if (stills_)
		wanted[Stream::Main] = &*options.still;
	for (Stream which : kStreams) {
		if (!wanted[which])
			continue;
		const CameraOffer offer = session.offer(which);
		if (Result<void> known = checkFormat(wanted[which]->format, offer); !known)
			return known;
		const bool isStill = stills_ && which != flow_;
		const bool isVideo = both && which == flow_;
		wishes[which] =
			settingsOf(*wanted[which],
				   isVideo ? StreamRole::VideoRecording : StreamRole::Viewfinder,
				   options.buffers);
		if (isStill)
			wishes[which] = offer.forStills(*wishes[which]);
		session.setDelivery(which, {.newestOnly = !isStill && policy_ != Policy::Block,
					    .damaged = false});
	}
	/* Before start() the camera gets none of the buffers. */
	session.stop(flow_);
	if (Result<void> result = session.configure(wishes); !result)
		return result;

	if (Result<void> result = map(flow_, Stream::Main); !result)
		return result;
	if (both)
		if (Result<void> result = map(Stream::Lores, Stream::Lores); !result)
			return result;
	if (stills_)
		if (Result<void> result = stills_->map(); !result)
			return result;
	buffers_ = static_cast<unsigned int>(pixels_[Stream::Main].size());
	if (both)
		buffers_ = std::min(buffers_,
				    static_cast<unsigned int>(pixels_[Stream::Lores].size()));
	lent_.resize(pixels_[Stream::Main].size());

	session.setListener(flow_, weak_from_this());
	return {};
}

/* The buffers of the session's stream @which become those of the program's @stream. */
Result<void> Camera::Source::map(Stream which, Stream stream)
{
	const auto buffers = session_[flow_]->buffers(which);

	layouts_[stream] = buffers->layout();
	for (std::size_t i = 0; i < buffers->size(); i++) {
		Result<MappingPair> pixels = MappingPair::map(buffers->layout(i));
		if (!pixels && pixels.error().code == EMFILE)
			return tooManyFiles("Camera '" + id_ + "'", buffers->size());
		if (!pixels)
			return pixels.error();
		pixels_[stream].push_back(*std::move(pixels));
	}
	return {};
}

/*
 * In two steps: while frames may come, log_ may want to know something of the
 * camera; after that nobody is called, and nobody may be inside.
 */
void Camera::Source::close()
{
	if (closed_.exchange(true))
		return;

	if (session_[flow_]) {
		session_[flow_]->setFlushing(flow_, true);
		session_[flow_]->stop(flow_);
	}

	/*
	 * The shares end without the lock: the last one waits for libcamera's
	 * thread, where log_ may just be asking for statistics().
	 */
	PerStream<std::shared_ptr<CameraSession>> ending;
	std::unique_lock lock(open_);
	if (session_[flow_])
		counts_ = session_[flow_]->counts(flow_);
	std::swap(ending, session_);
	lock.unlock();
	if (stills_)
		stills_->close();
	endThread();
}

Result<void> Camera::Source::start()
{
	std::shared_lock open(open_);
	if (closed_)
		return kClosed;

	CameraSession &session = *session_[flow_];
	if (session.started(flow_) && !session.isLost())
		return {};
	{
		std::lock_guard lock(mutex_);
		starved_.reset();
		logged_ = false;
		delivered_ = copied_ = 0;
	}

	const libcamera::ControlList none(libcamera::controls::controls);
	Result<void> result = session.start(flow_, none);
	if (!result)
		session.stop(flow_);
	return result;
}

Result<void> Camera::Source::start(FrameFunction function)
{
	std::lock_guard lock(threadMutex_);
	if (thread_.joinable())
		return Error{EBUSY, "the camera was started with a function before: stop it first"};
	if (Result<void> started = start(); !started)
		return started;

	/* The standard library reports a failure by an exception only. */
	try {
		thread_ = std::jthread(
			[source = shared_from_this(), function = std::move(function)](
				const std::stop_token &stop) { source->deliver(stop, function); });
	} catch (const std::system_error &error) {
		return Error{error.code().value(),
			     std::string("cannot start a thread for frames: ") + error.what()};
	}
	return {};
}

/*
 * Runs on the thread for frames, until the camera ends. After a stop() by the
 * function itself, the camera may have been started again already.
 */
void Camera::Source::deliver(const std::stop_token &stop, const FrameFunction &function)
{
	bool ended = false;

	while (!ended) {
		Result<Frame> frame = stop.stop_requested() ? kStopped : next(kDelivery);
		if (!frame && frame.error().code == ETIMEDOUT)
			continue;
		ended = !frame && frame.error().code != EBUSY;
		function(std::move(frame));
	}
}

/* Waits for the thread, except if the function itself is the caller. */
void Camera::Source::endThread()
{
	std::jthread ending;
	{
		std::lock_guard lock(threadMutex_);
		std::swap(ending, thread_);
	}
	ending.request_stop();
	if (ending.get_id() == std::this_thread::get_id())
		ending.detach();
}

Result<void> Camera::Source::stop()
{
	{
		std::shared_lock open(open_);
		if (closed_)
			return kClosed;
		session_[flow_]->stop(flow_);
	}
	endThread();
	return {};
}

Result<int> Camera::Source::fd()
{
	std::shared_lock open(open_);
	std::lock_guard lock(eventMutex_);
	if (event_)
		return event_->fd();
	if (closed_)
		return kClosed;

	auto event = ReadyEvent::create();
	if (!event)
		return event.error();
	event_ = *std::move(event);
	session_[flow_]->setReadyEvent(flow_, event_);
	return event_->fd();
}

/* Losses are reported once for a time in which buffers were short. */
bool Camera::Source::frameArrived(const CameraSession::Arrival &arrival)
{
	std::lock_guard lock(mutex_);

	report_.clear();
	if (arrival.lost && starved_ && !std::exchange(logged_, true))
		report_ = std::to_string(arrival.lost) +
			  (arrival.lost == 1 ? " frame was" : " frames were") +
			  " lost before frame " + std::to_string(arrival.sequence) +
			  ", the camera had " + *starved_;
	if (arrival.delivered && !arrival.load.underWay) {
		starved_ = whoHasThem(arrival.load);
	} else if (arrival.delivered) {
		starved_.reset();
		logged_ = false;
	}
	return !report_.empty() && log_;
}

void Camera::Source::report()
{
	log_(report_);
}

/* For the time in which the camera has no buffer. */
std::string Camera::Source::whoHasThem(const CameraSession::Load &load) const
{
	std::string text = "none of its " + std::to_string(buffers_) + " buffers: ";
	if (!load.waiting)
		return text + leases.describe();

	return text + std::to_string(load.waiting) + (load.waiting == 1 ? " has" : " have") +
	       " a frame that waits for next(); " + leases.describe();
}

/* Only for a program whose own leases are the reason. */
std::string Camera::Source::howManyHelp() const
{
	std::set<unsigned int> held;
	for (const Holder &holder : leases.holders())
		held.insert(holder.buffer);
	if (held.size() < buffers_)
		return {};

	return "; a program that holds " + std::to_string(held.size()) +
	       " frames while it waits needs buffers=" + std::to_string(held.size() + 1) +
	       " or more";
}

Result<Frame> Camera::Source::next(std::chrono::milliseconds timeout)
{
	bool scarce = false;
	Result<Frame> frame = take(timeout, scarce);
	if (!frame || policy_ != Policy::Copy || !scarce)
		return frame;

	Result<Frame> copy = frame->copy();
	if (copy) {
		std::lock_guard lock(mutex_);
		copied_++;
	}
	return copy;
}

Result<Frame> Camera::Source::take(std::chrono::milliseconds timeout, bool &scarce)
{
	std::shared_lock open(open_);
	if (closed_)
		return kClosed;

	CameraSession &session = *session_[flow_];
	if (!session.started(flow_))
		return kNotStarted;

	/* The lease begins under the session's lock: a frame waits or is leased, always. */
	std::optional<Frame> frame;
	const auto lend = [&](const CameraSession::Taken &taken) {
		const CompletedFrame &main = taken.frame;
		lent_[main.buffer] = {main.slot, taken.tied ? taken.tied->buffer : 0};
		scarce = taken.left.underWay + taken.left.waiting < kCameraShare;
		frame.emplace(shared_from_this(), static_cast<unsigned int>(main.buffer),
			      static_cast<const FrameInfo &>(main));
	};
	const CameraSession::Wait wait = session.waitFrame(flow_, timeout, lend);
	if (!frame)
		return noFrame(session, wait, timeout);

	std::lock_guard lock(mutex_);
	delivered_++;
	return *std::move(frame);
}

/* Why there is none. */
Error Camera::Source::noFrame(CameraSession &session, CameraSession::Wait wait,
			      std::chrono::milliseconds timeout) const
{
	switch (wait) {
	case CameraSession::Wait::Lost:
		return lostCamera(session);
	case CameraSession::Wait::TimedOut:
		break;
	default:
		return kStopped;
	}

	const std::string within = "no frame within " + std::to_string(timeout.count()) + " ms";
	if (const CameraSession::Load load = session.load(flow_); !load.underWay)
		return {EBUSY, within + ", the camera has " + whoHasThem(load) + howManyHelp()};
	return {ETIMEDOUT, within};
}

void Camera::Source::leaseEnds() noexcept
{
	std::shared_lock open(open_);
	if (closed_)
		return;

	const CameraSession::Load load = session_[flow_]->load(flow_);
	std::lock_guard lock(mutex_);
	if (!load.underWay && starved_ && !logged_)
		starved_ = whoHasThem(load);
}

void Camera::Source::giveBack(unsigned int buffer) noexcept
{
	std::shared_lock open(open_);
	if (closed_)
		return;

	const Lent lent = std::exchange(lent_[buffer], {});
	session_[flow_]->queue(flow_, buffer, lent.lores);
}

Result<const FrameMapping *> Camera::Source::mapping(unsigned int buffer, Stream stream,
						     Access access)
{
	if (pixels_[stream].empty())
		return Error{ENOENT, "the camera was opened without this stream"};

	return pixels_[stream][stream == Stream::Main ? buffer : lent_[buffer].lores].get(access);
}

/* The request is the program's as long as the frame is leased. */
const RequestSlot *Camera::Source::slotOf(unsigned int buffer) const
{
	return closed_ ? nullptr : lent_[buffer].slot;
}

std::vector<NamedValue> Camera::Source::metadata(unsigned int buffer) const
{
	std::shared_lock open(open_);
	const RequestSlot *slot = slotOf(buffer);

	return slot ? fromLibcamera(slot->metadata()) : std::vector<NamedValue>();
}

std::optional<ControlValue> Camera::Source::metadatum(unsigned int buffer,
						      std::string_view name) const
{
	std::shared_lock open(open_);
	const RequestSlot *slot = slotOf(buffer);

	return slot ? findControl(slot->metadata(), name) : std::nullopt;
}

Result<void> Camera::Source::set(std::span<const NamedValue> controls)
{
	std::string ignored;
	{
		std::shared_lock open(open_);
		if (closed_)
			return kClosed;

		CameraSession &session = *session_[flow_];
		libcamera::ControlList list(libcamera::controls::controls);
		for (const NamedValue &control : controls) {
			Result<void> result =
				setControl(&list, session.controls(), control.name, control.value);
			if (!result)
				return result;
		}
		if (!list.empty())
			session.setControls(list);

		std::lock_guard lock(mutex_);
		ignored = automatic_->follow(list);
	}
	if (!ignored.empty() && log_)
		log_(ignored);
	return {};
}

Result<void> Camera::Source::bracket(std::span<const std::vector<NamedValue>> sets)
{
	std::shared_lock open(open_);
	if (closed_)
		return kClosed;
	if (sets.empty())
		return Error{EINVAL, "a bracket needs at least one set of controls"};

	CameraSession &session = *session_[flow_];
	std::vector<libcamera::ControlList> lists;
	for (const std::vector<NamedValue> &set : sets) {
		libcamera::ControlList &list = lists.emplace_back(libcamera::controls::controls);
		for (const NamedValue &control : set)
			if (Result<void> result = setControl(&list, session.controls(),
							     control.name, control.value);
			    !result)
				return Error{result.error().code,
					     "set " + std::to_string(lists.size() - 1) + ": " +
						     result.error().what};
	}
	return session.bracket(flow_, lists);
}

Result<Frame> Camera::Source::capture(std::chrono::milliseconds timeout)
{
	if (!stills_)
		return Error{ENOENT,
			     "the camera was opened without stills: set CameraOptions::still, "
			     "which is still=True in Python"};

	return stills_->capture(timeout);
}

std::vector<Holder> Camera::Source::holders() const
{
	std::vector<Holder> all = leases.holders();
	if (stills_)
		for (Holder &holder : stills_->leases.holders())
			all.push_back(std::move(holder));
	return all;
}

std::vector<ControlRange> Camera::Source::controls() const
{
	std::shared_lock open(open_);
	std::vector<ControlRange> ranges;
	if (closed_)
		return ranges;

	for (const auto &[id, info] : session_[flow_]->controls())
		ranges.push_back({id->name(), fromLibcamera(info.min()), fromLibcamera(info.max()),
				  fromLibcamera(info.def())});
	return ranges;
}

CameraStatistics Camera::Source::statistics() const
{
	std::shared_lock open(open_);
	const StreamCounts counts = closed_ ? counts_ : session_[flow_]->counts(flow_);
	std::lock_guard lock(mutex_);

	return {.delivered = delivered_,
		.copied = copied_,
		.dropped = counts.dropped,
		.damaged = counts.damaged,
		.lost = counts.lost,
		.starved = counts.starved};
}

const FrameLayout *Camera::Source::layout(Stream stream) const
{
	return layouts_[stream] ? &*layouts_[stream] : nullptr;
}

} /* namespace cmacam */
