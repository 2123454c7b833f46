/* SPDX-License-Identifier: MIT */
/*
 * The board behind its registers: what a driver and the operator read and write,
 * and the thread that makes the sensor's frames and what each channel gets of them.
 */
#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <format>
#include <thread>

#include <cmacam-regs.h>

#include "engine/controls.h"

namespace cmacam::board {

namespace {

constexpr uint32_t kSensorBegin = CMACAM_SENSOR_ARRAY;
constexpr uint32_t kSensorEnd = CMACAM_CH(0);
constexpr uint32_t kChannelsBegin = CMACAM_CH(0);
constexpr uint32_t kChannelsEnd = CMACAM_CH(CMACAM_CH_COUNT);
constexpr uint32_t kChannelSize = CMACAM_CH(1) - CMACAM_CH(0);

/* Faults that only the operator can inject: these bits are not in the FAULT register. */
constexpr uint32_t kStuck = 1u << 16;
constexpr uint32_t kStuckReset = 1u << 17;
constexpr uint32_t kReadOnes = 1u << 18;
constexpr uint32_t kUnreachable = 1u << 19;

constexpr uint32_t kBoardFaults = kStuckReset | kReadOnes | kUnreachable;

struct FaultKind
{
	std::string_view name;
	uint32_t bit;
};

constexpr std::array kFaults = {
	FaultKind{"bus-error", CMACAM_FAULT_BUS_ERROR},
	FaultKind{"lose-irq", CMACAM_FAULT_LOSE_IRQ},
	FaultKind{"drop", CMACAM_FAULT_DROP},
	FaultKind{"torn", CMACAM_FAULT_TORN},
	FaultKind{"stuck", kStuck},
	FaultKind{"stuck-reset", kStuckReset},
	FaultKind{"read-ones", kReadOnes},
	FaultKind{"unreachable", kUnreachable},
};

/* Reasons to lose a frame. */
constexpr std::string_view kFault = "fault";
constexpr std::string_view kFifoEmpty = "fifo-empty";
constexpr std::string_view kRingFull = "ring-full";
constexpr std::string_view kRingError = "ring-error";
constexpr std::string_view kLink = "link";

Channel::Reachable reachable(vfio_user::GuestMemory &memory)
{
	return [&memory](uint64_t address, uint64_t size) {
		return static_cast<bool>(memory.acquire(address, size));
	};
}

} /* namespace */

Engine::Engine(const Capabilities &caps, const Settings &settings, Source &source,
	       vfio_user::GuestMemory &memory, vfio_user::Interrupts &interrupts, Log &log)
	: caps_(caps),
	  memory_(memory),
	  interrupts_(interrupts),
	  log_(log),
	  writer_(source, {caps.sensorWidth, caps.sensorHeight}),
	  settings_(settings),
	  sensor_(caps.sensorWidth, caps.sensorHeight),
	  channels_{Channel(CMACAM_CH_MAIN, caps, reachable(memory)),
		    Channel(CMACAM_CH_LORES, caps, reachable(memory)),
		    Channel(CMACAM_CH_STATS, caps, reachable(memory))},
	  thread_([this] { run(); })
{
	static_assert(kFaults.size() == kFaultKinds);
}

Engine::~Engine()
{
	{
		Lock lock(mutex_);
		exiting_ = true;
	}
	wake_.notify_all();
	thread_.join();
}

uint32_t Engine::read(uint32_t offset)
{
	Lock lock(mutex_);

	if (takeFaults(CMACAM_CH_MAIN, kUnreachable))
		return ~0u;
	if (takeFaults(CMACAM_CH_MAIN, kReadOnes)) {
		log_.write(std::format("read-ones offset={:#x}", offset));
		return ~0u;
	}

	if (offset >= kSensorBegin && offset < kSensorEnd)
		return sensor_.read(offset);
	if (offset >= kChannelsBegin && offset < kChannelsEnd) {
		const uint32_t channel = (offset - kChannelsBegin) / kChannelSize;
		return channel < caps_.channels ? channels_[channel].read(offset % kChannelSize)
						: 0;
	}

	switch (offset) {
	case CMACAM_ID:
		return CMACAM_ID_MAGIC;
	case CMACAM_VERSION:
		return caps_.versionMajor << 16 | caps_.versionMinor;
	case CMACAM_CAPS:
		return caps_.channels | caps_.fifoDepth << CMACAM_CAPS_FIFO_SHIFT |
		       caps_.addressBits << CMACAM_CAPS_ADDR_BITS_SHIFT | CMACAM_CAPS_FAULTS;
	case CMACAM_CTRL:
		return resetPending_ || resetStuck_ ? CMACAM_CTRL_RESET : 0;
	case CMACAM_IRQ_STATUS:
		return interrupts();
	case CMACAM_IRQ_ENABLE:
		return irqEnable_;
	case CMACAM_ALIGN:
		return Channel::kAlignAddress |
		       static_cast<uint32_t>(std::countr_zero(caps_.strideAlign))
			       << CMACAM_ALIGN_STRIDE_SHIFT;
	case CMACAM_TIME_LO: {
		const uint64_t time = boardTime(Clock::now());
		timeHigh_ = static_cast<uint32_t>(time >> 32);
		return static_cast<uint32_t>(time);
	}
	case CMACAM_TIME_HI:
		return timeHigh_;
	case CMACAM_MAX_STRIDE:
		return Channel::kMaxStride;
	default:
		return 0;
	}
}

void Engine::write(uint32_t offset, uint32_t value)
{
	Lock lock(mutex_);

	/* What was written before must not outlive the reset, nor what is now. */
	if (resetPending_ || resetStuck_ || faultPending(kUnreachable))
		return;

	if (offset >= kSensorBegin && offset < kSensorEnd)
		sensor_.write(offset, value);
	else if (offset >= kChannelsBegin && offset < kChannelsEnd)
		writeChannel((offset - kChannelsBegin) / kChannelSize, offset % kChannelSize,
			     value);
	else
		writeBoard(offset, value);

	wake_.notify_all();
}

void Engine::writeChannel(uint32_t number, uint32_t offset, uint32_t value)
{
	if (number >= caps_.channels)
		return;

	Channel &channel = channels_[number];
	const uint32_t before = channel.interrupts();
	const bool wasRunning = channel.running();
	const bool wasStopping = channel.stopping();

	channel.write(offset, value);
	if (channel.running() && !wasRunning) {
		const ChannelConfig &config = channel.config();
		log_.write(std::format("enable ch={} width={} height={} format={} stride={} "
				       "limit={} link={:d}",
				       number, config.layout.width, config.layout.height,
				       formatOf(config.layout.format).name, config.layout.stride,
				       config.limit, config.linked));
	}
	if (channel.stopping() && !wasStopping)
		stuck_[number] = takeFaults(number, kStuck);
	stopIfAsked();
	event(number, channel.interrupts() & ~before);
	sendEvents();
}

void Engine::writeBoard(uint32_t offset, uint32_t value)
{
	constexpr uint32_t kAllChannels = (1u << CMACAM_CH_COUNT) - 1;

	switch (offset) {
	case CMACAM_CTRL:
		if (!(value & CMACAM_CTRL_RESET))
			break;
		if (takeFaults(CMACAM_CH_MAIN, kStuckReset))
			resetStuck_ = true;
		else
			beginReset();
		break;
	case CMACAM_IRQ_ENABLE:
		/* An interrupt that was held back is due as soon as it is allowed. */
		if (value & ~irqEnable_ & interrupts())
			interrupts_.trigger(0);
		irqEnable_ = value & kAllChannels;
		break;
	default: /* read-only or reserved */
		break;
	}
}

void Engine::reset()
{
	Lock lock(mutex_);

	beginReset();
	resetDone_.wait(lock, [this] { return !resetPending_; });
}

void Engine::beginReset()
{
	resetPending_ = true;
	if (!anyActive())
		resetNow();
}

void Engine::resetNow()
{
	for (uint32_t i = 0; i < channels_.size(); i++) {
		if (channels_[i].running())
			log_.write(std::format("disable ch={}", i));
		channels_[i].reset();
	}

	sensor_.reset();
	updateSensor();
	irqEnable_ = 0;
	stuck_ = {};
	resetStuck_ = false;
	resetPending_ = false;
	resetDone_.notify_all();
}

bool Engine::anyActive() const
{
	return std::ranges::any_of(channels_, &Channel::active);
}

void Engine::betweenFrames()
{
	if (resetPending_)
		resetNow();
	stopIfAsked();
}

void Engine::stopIfAsked()
{
	for (uint32_t i = 0; i < channels_.size(); i++) {
		Channel &channel = channels_[i];
		if (channel.stopping() && !channel.active() && !stuck_[i]) {
			channel.becomeIdle();
			log_.write(std::format("disable ch={}", i));
		}
	}

	updateSensor();
}

/* The sensor runs as long as somebody takes part, and starts over with the next one. */
void Engine::updateSensor()
{
	bool wanted = false;
	for (uint32_t i = 0; i < channels_.size(); i++)
		wanted |= takesPart(i);

	if (wanted && !sensorRuns_) {
		lastStart_.reset();
		picture_ = 0;
	}
	sensorRuns_ = wanted;
}

/* Whether the channel sees the next start of frame: a linked one waits for channel 0. */
bool Engine::takesPart(uint32_t channel) const
{
	const Channel &main = channels_[CMACAM_CH_MAIN];

	return channels_[channel].running() &&
	       (!channels_[channel].config().linked || main.running());
}

/* The channels, as bits, that start a frame together with this one, or not at all. */
uint32_t Engine::groupOf(uint32_t channel) const
{
	uint32_t members = 0;

	for (uint32_t i = 0; i < channels_.size(); i++) {
		const bool linked = i == CMACAM_CH_MAIN || channels_[i].config().linked;
		if (i == channel || (channel == CMACAM_CH_MAIN && linked && takesPart(i)))
			members |= 1u << i;
	}

	return members;
}

std::optional<std::string> Engine::set(std::string_view key, std::string_view value)
{
	Lock lock(mutex_);

	auto error = settings_.set(key, value);
	wake_.notify_all();
	return error;
}

std::optional<std::string> Engine::get(std::string_view key)
{
	Lock lock(mutex_);
	return settings_.get(key);
}

std::optional<std::string> Engine::fault(std::string_view kind, uint32_t count, uint32_t channel)
{
	Lock lock(mutex_);
	std::string names;

	if (channel >= caps_.channels)
		return std::format("there is no channel {}, only 0 to {}", channel,
				   caps_.channels - 1);

	for (unsigned int i = 0; i < kFaults.size(); i++) {
		if (kFaults[i].name == kind) {
			const uint32_t bit = kFaults[i].bit;
			faults_[bit & kBoardFaults ? CMACAM_CH_MAIN : channel][i] = count;
			if (!count)
				endFault(channel, bit);
			return std::nullopt;
		}
		names += std::format("{}{}", i ? ", " : "", kFaults[i].name);
	}

	return std::format("there is no fault '{}', only {}", kind, names);
}

uint32_t Engine::takeFaults(uint32_t channel, uint32_t mask)
{
	uint32_t taken = channels_[channel].takeFaults(mask);

	for (unsigned int i = 0; i < kFaults.size(); i++) {
		uint32_t &left = faults_[channel][i];
		if ((kFaults[i].bit & mask) && left) {
			left--;
			taken |= kFaults[i].bit;
		}
	}

	return taken;
}

/* Whether a fault of the whole board is still to happen. */
bool Engine::faultPending(uint32_t bit) const
{
	for (unsigned int i = 0; i < kFaults.size(); i++) {
		if (kFaults[i].bit == bit)
			return faults_[CMACAM_CH_MAIN][i];
	}

	return false;
}

/* The operator repairs what has happened already: the channel stops, the reset ends. */
void Engine::endFault(uint32_t channel, uint32_t bit)
{
	if (bit == kStuck) {
		stuck_[channel] = false;
		stopIfAsked();
	}
	if (bit == kStuckReset && resetStuck_)
		beginReset();
	wake_.notify_all();
}

uint32_t Engine::interrupts() const
{
	uint32_t pending = 0;

	for (uint32_t i = 0; i < channels_.size(); i++)
		pending |= channels_[i].interrupts() ? 1u << i : 0;
	return pending;
}

void Engine::event(uint32_t channel, uint32_t bits)
{
	due_ |= (irqEnable_ & 1u << channel) && channels_[channel].interruptEnabled(bits);
}

/* One message for all events of the moment: each costs the guest an interrupt. */
void Engine::sendEvents()
{
	if (due_)
		interrupts_.trigger(0);
	due_ = false;
}

/* The life of a frame, on the thread. */

uint64_t Engine::boardTime(Clock::time_point when) const
{
	using std::chrono::nanoseconds;
	return static_cast<uint64_t>(
		std::chrono::duration_cast<nanoseconds>(when - powerOn_).count());
}

Engine::Clock::time_point Engine::nextStart(Clock::time_point now) const
{
	if (!lastStart_)
		return now;

	switch (settings_.pacing) {
	case Settings::Pacing::Fixed:
		return *lastStart_ + std::chrono::nanoseconds(1000000000 / settings_.fps);
	case Settings::Pacing::Max:
		/* Losing frames costs no time; without this they would be lost in millions. */
		return lastLost_ ? *lastStart_ + sensor_.shortestInterval() : now;
	case Settings::Pacing::Sensor:
		break;
	}

	return *lastStart_ + sensor_.interval(lastValues_);
}

/* What falls on the scene, and what the sensor makes of it. */
Light Engine::lightNow() const
{
	const double flicker =
		settings_.flicker.seenBy(sensorTime_, sensor_.exposureTime(lastValues_));
	const double light = std::exp2(settings_.light) * flicker * sensor_.light(lastValues_);
	const double warmth = Settings::kNeutralTemperature / settings_.lightTemperature;

	return {light * warmth, light, light / warmth};
}

void Engine::run()
{
	Lock lock(mutex_);

	/* Whatever woke the thread, all conditions are looked at again. */
	while (!exiting_) {
		if (!sensorRuns_) {
			wake_.wait(lock);
			continue;
		}

		const auto now = Clock::now();
		const auto due = nextStart(now);
		if (now < due) {
			wake_.wait_until(lock, due);
			continue;
		}

		if (settings_.starved == Settings::Starved::Hold && starved()) {
			wake_.wait(lock);
			continue;
		}

		/*
		 * A little late is the host's scheduling, and the frame started
		 * when it was due. Very late is a blanking that was stretched:
		 * for an address, or because the last frame took this long.
		 */
		const bool onTime = now - due < sensor_.shortestInterval() / 4;
		frame(lock, instant(onTime ? due : now));
	}
}

/* Whether somebody who takes part has no address. */
bool Engine::starved() const
{
	for (uint32_t i = 0; i < channels_.size(); i++) {
		if (takesPart(i) && channels_[i].starved())
			return true;
	}

	return false;
}

Engine::Instant Engine::instant(Clock::time_point start)
{
	if (lastStart_)
		sensorTime_ += sensor_.interval(lastValues_);
	lastStart_ = start;
	lastValues_ = sensor_.sample();

	Instant now = {
		.start = start,
		.notBefore = start,
		.picture = picture_++,
		.values = lastValues_,
		.light = lightNow(),
		.settings = settings_,
	};

	/* A paced sensor takes a part of the interval to read its lines out. */
	if (settings_.pacing != Settings::Pacing::Max) {
		const Clock::duration interval = nextStart(start) - start;
		now.notBefore +=
			std::min<Clock::duration>(interval, sensor_.shortestInterval()) / 2;
	}

	return now;
}

void Engine::frame(Lock &lock, const Instant &now)
{
	/* Of each group the number of jobs up to its end; they lie side by side. */
	std::array<std::size_t, CMACAM_CH_COUNT> ends;
	std::size_t groups = 0;

	jobCount_ = 0;
	for (uint32_t i = 0; i < channels_.size(); i++) {
		const bool follows = i != CMACAM_CH_MAIN && channels_[i].config().linked;
		if (takesPart(i) && !follows && startGroup(groupOf(i), now))
			ends[groups++] = jobCount_;
	}
	lastLost_ = !jobCount_;
	sendEvents();

	/* The source may have to decode: registers must answer meanwhile. */
	lock.unlock();
	const std::span jobs(jobs_.data(), jobCount_);
	if (jobs.empty())
		writer_.skip(now.picture);
	for (Job &job : jobs)
		writePixels(job, now);
	if (!jobs.empty())
		std::this_thread::sleep_until(now.notBefore);
	/* The main channel's group is the last: who has its frame finds the statistics. */
	for (std::size_t i = groups; i--;) {
		const std::size_t begin = i ? ends[i - 1] : 0;
		publish(jobs.subspan(begin, ends[i] - begin), now);
	}
	lock.lock();

	for (const Job &job : jobs)
		finish(job);
	sendEvents();
	betweenFrames();
}

/* All members start a frame, or all lose theirs. */
bool Engine::startGroup(uint32_t members, const Instant &now)
{
	std::array<std::string_view, CMACAM_CH_COUNT> obstacles;
	bool free = true;

	for (uint32_t i = 0; i < channels_.size(); i++) {
		if (!(members & 1u << i))
			continue;
		if (channels_[i].config().linked)
			channels_[i].follow(channels_[CMACAM_CH_MAIN].sequence());
		obstacles[i] = obstacle(i);
		free &= obstacles[i].empty();
	}

	for (uint32_t i = 0; i < channels_.size(); i++) {
		if (!(members & 1u << i))
			continue;
		if (free)
			begin(i, now);
		else
			lose(i, obstacles[i].empty() ? kLink : obstacles[i]);
	}

	return free;
}

/* Why the channel cannot take the frame; empty if it can. */
std::string_view Engine::obstacle(uint32_t channel)
{
	if (takeFaults(channel, CMACAM_FAULT_DROP))
		return kFault;
	if (channels_[channel].starved())
		return kFifoEmpty;

	const auto lease =
		memory_.acquire(channels_[channel].ringEntry(), sizeof(cmacam_completion));
	if (!lease)
		return kRingError;

	auto *entry = reinterpret_cast<cmacam_completion *>(lease.bytes().data());
	const uint32_t owner = std::atomic_ref(entry->owner).load(std::memory_order_acquire);
	return owner & CMACAM_DONE_OWNER ? kRingFull : std::string_view();
}

void Engine::begin(uint32_t number, const Instant &now)
{
	Channel &channel = channels_[number];
	const SensorValues &values = now.values;
	Job &job = jobs_[jobCount_++];

	job.channel = number;
	job.config = channel.config();
	job.faults = takeFaults(number,
				CMACAM_FAULT_BUS_ERROR | CMACAM_FAULT_LOSE_IRQ | CMACAM_FAULT_TORN);
	job.ringEntry = channel.ringEntry();
	job.traits = {};
	job.told = false;
	job.ringError = false;
	cmacam_completion &completion = job.completion;
	completion = {};
	completion.addr = channel.beginFrame();
	completion.time = boardTime(now.start);
	completion.sequence = channel.sequence();
	completion.exposure = values.exposure;
	completion.gain = values.gain;
	completion.pattern = values.pattern;
	completion.line_length = values.lineLength;
	completion.frame_length = values.frameLength;
	completion.dropped = channel.dropped();
	completion.flip = values.flip;
	completion.crop_pos = values.crop.top << 16 | values.crop.left;
	completion.crop_size = values.crop.height << 16 | values.crop.width;
	for (const Control &control : kControls)
		completion.*control.reported =
			static_cast<uint32_t>(values.adjustments.*control.value);
	event(number, CMACAM_CH_INT_FRAME_START);
}

void Engine::writePixels(Job &job, const Instant &now)
{
	cmacam_completion &completion = job.completion;
	const uint64_t whole = frameBytes(job.config.layout);
	uint64_t bytes = std::min<uint64_t>(whole, job.config.limit);

	if (bytes < whole)
		completion.flags |= CMACAM_DONE_LIMIT;
	if (job.faults & CMACAM_FAULT_TORN) {
		bytes = (bytes + 1) / 2;
		completion.flags |= CMACAM_DONE_SHORT;
	}

	if (!(job.faults & CMACAM_FAULT_BUS_ERROR) &&
	    channels_[job.channel].addressValid(completion.addr, bytes)) {
		if (const auto lease = memory_.acquire(completion.addr, bytes)) {
			const FrameDescription frame = {
				.channel = job.channel,
				.sequence = completion.sequence,
				.picture = now.picture,
				.values = now.values,
				.light = now.light,
				.layout = job.config.layout,
			};
			completion.bytes = static_cast<uint32_t>(bytes);
			job.traits = writer_.write(frame, now.settings, lease.bytes());
			return;
		}
	}

	writer_.skip(now.picture);
	completion.flags = CMACAM_DONE_BUS_ERROR;
}

/* The ring entries of a group: all of them, or none and the frame is lost. */
void Engine::publish(std::span<Job> group, const Instant &now)
{
	std::array<std::optional<vfio_user::GuestMemory::Lease>, CMACAM_CH_COUNT> leases;
	bool reachable = true;

	for (std::size_t i = 0; i < group.size(); i++) {
		leases[i].emplace(memory_.acquire(group[i].ringEntry, sizeof(cmacam_completion)));
		group[i].ringError = !*leases[i];
		reachable &= !group[i].ringError;
	}

	for (std::size_t i = 0; i < group.size(); i++) {
		Job &job = group[i];
		const cmacam_completion &completion = job.completion;

		/* The line stands in the log before the driver can know of the frame. */
		job.told = reachable;
		if (!reachable) {
			logLost(job.channel, completion.sequence,
				job.ringError ? kRingError : kLink);
			continue;
		}
		logFrame(job, now);

		auto *entry = reinterpret_cast<cmacam_completion *>(leases[i]->bytes().data());
		std::memcpy(entry, &completion, offsetof(cmacam_completion, owner));

		/*
		 * Release: pixels, mark and the entry are visible before the bit
		 * that tells the driver to look. It pairs with its dma_rmb().
		 */
		std::atomic_ref(entry->owner).store(CMACAM_DONE_OWNER, std::memory_order_release);
	}
}

void Engine::logFrame(const Job &job, const Instant &now)
{
	const cmacam_completion &completion = job.completion;
	std::string line =
		std::format("frame ch={} seq={} addr={:#x} bytes={} flags={:#x} "
			    "nonce=0x{:016x} exposure={} gain={} pattern={} picture={}",
			    job.channel, completion.sequence, completion.addr, completion.bytes,
			    completion.flags, job.traits.nonce, completion.exposure,
			    completion.gain, completion.pattern, now.picture);

	if (!job.traits.sha256.empty())
		line += " sha256=" + job.traits.sha256;
	log_.write(line);
}

void Engine::finish(const Job &job)
{
	Channel &channel = channels_[job.channel];

	if (!job.told) {
		channel.loseFrame(job.ringError);
		event(job.channel, CMACAM_CH_INT_DROP);
		return;
	}

	channel.endFrame(job.completion.flags);
	if (!(job.faults & CMACAM_FAULT_LOSE_IRQ))
		event(job.channel, CMACAM_CH_INT_FRAME_DONE);
}

void Engine::lose(uint32_t channel, std::string_view reason)
{
	logLost(channel, channels_[channel].sequence(), reason);
	channels_[channel].loseFrame(reason == kRingError);
	event(channel, CMACAM_CH_INT_DROP);
}

void Engine::logLost(uint32_t channel, uint32_t sequence, std::string_view reason)
{
	log_.write(std::format("lost ch={} seq={} reason={}", channel, sequence, reason));
}

} /* namespace cmacam::board */
