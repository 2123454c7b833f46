/* SPDX-License-Identifier: MIT */
/*
 * The board behind its registers: sensor and channel, run by one thread that
 * makes the frames.
 */
#include "engine/engine.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <format>
#include <thread>

#include <cmacam-regs.h>

namespace cmacam {

namespace {

constexpr uint32_t kSensorBegin = CMACAM_SENSOR_ARRAY;
constexpr uint32_t kSensorEnd = CMACAM_CH(0);
constexpr uint32_t kChannelEnd = CMACAM_CH(1);
constexpr uint32_t kAllChannels = 1;

constexpr std::string_view kRingError = "ring-error";

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
};

} /* namespace */

Engine::Engine(const Capabilities &caps, const Settings &settings, Source &source,
	       vfio_user::GuestMemory &memory, vfio_user::Interrupts &interrupts, Log &log)
	: caps_(caps),
	  memory_(memory),
	  interrupts_(interrupts),
	  log_(log),
	  writer_(source),
	  settings_(settings),
	  sensor_(caps.sensorWidth, caps.sensorHeight),
	  channel_(caps,
		   [&memory](uint64_t address, uint64_t size) {
			   return static_cast<bool>(memory.acquire(address, size));
		   }),
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

	if (offset >= kSensorBegin && offset < kSensorEnd)
		return sensor_.read(offset);
	if (offset >= CMACAM_CH(0) && offset < kChannelEnd)
		return channel_.read(offset - CMACAM_CH(0));

	switch (offset) {
	case CMACAM_ID:
		return CMACAM_ID_MAGIC;
	case CMACAM_VERSION:
		return caps_.versionMajor << 16 | caps_.versionMinor;
	case CMACAM_CAPS:
		return 1 | caps_.fifoDepth << CMACAM_CAPS_FIFO_SHIFT |
		       caps_.addressBits << CMACAM_CAPS_ADDR_BITS_SHIFT | CMACAM_CAPS_FAULTS;
	case CMACAM_CTRL:
		return resetPending_ ? CMACAM_CTRL_RESET : 0;
	case CMACAM_IRQ_STATUS:
		return channel_.interrupts() ? 1 : 0;
	case CMACAM_IRQ_ENABLE:
		return irqEnable_;
	case CMACAM_FORMATS:
		return (1u << CMACAM_FMT_COUNT) - 1;
	case CMACAM_ALIGN:
		return Channel::kAlignAddress | Channel::kAlignStride << CMACAM_ALIGN_STRIDE_SHIFT;
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
	if (resetPending_)
		return;

	if (offset >= kSensorBegin && offset < kSensorEnd) {
		sensor_.write(offset, value);
	} else if (offset >= CMACAM_CH(0) && offset < kChannelEnd) {
		const uint32_t before = channel_.interrupts();
		const bool wasRunning = channel_.running();

		channel_.write(offset - CMACAM_CH(0), value);
		if (channel_.running() && !wasRunning) {
			const ChannelConfig &config = channel_.config();
			lastStart_.reset();
			log_.write(std::format(
				"enable ch=0 width={} height={} format={} stride={} limit={}",
				config.layout.width, config.layout.height,
				formatOf(config.layout.format).name, config.layout.stride,
				config.limit));
		}
		stopIfAsked();
		interrupt(channel_.interrupts() & ~before);
	} else {
		writeBoard(offset, value);
	}

	wake_.notify_all();
}

void Engine::writeBoard(uint32_t offset, uint32_t value)
{
	switch (offset) {
	case CMACAM_CTRL:
		if (value & CMACAM_CTRL_RESET) {
			resetPending_ = true;
			if (!channel_.active())
				resetNow();
		}
		break;
	case CMACAM_IRQ_ENABLE:
		/* An interrupt that was held back is due as soon as it is allowed. */
		if ((value & ~irqEnable_ & kAllChannels) && channel_.interrupts())
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

	resetPending_ = true;
	if (!channel_.active())
		resetNow();
	resetDone_.wait(lock, [this] { return !resetPending_; });
}

void Engine::resetNow()
{
	if (channel_.running())
		log_.write("disable ch=0");

	sensor_.reset();
	channel_.reset();
	irqEnable_ = 0;
	lastStart_.reset();
	resetPending_ = false;
	resetDone_.notify_all();
}

void Engine::stopIfAsked()
{
	if (!channel_.stopping() || channel_.active())
		return;

	channel_.becomeIdle();
	log_.write("disable ch=0");
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

std::optional<std::string> Engine::fault(std::string_view kind, uint32_t count)
{
	Lock lock(mutex_);
	std::string names;

	for (unsigned int i = 0; i < kFaults.size(); i++) {
		if (kFaults[i].name == kind) {
			faults_[i] = count;
			return std::nullopt;
		}
		names += std::format("{}{}", i ? ", " : "", kFaults[i].name);
	}

	return std::format("there is no fault '{}', only {}", kind, names);
}

uint32_t Engine::takeFaults(uint32_t mask)
{
	uint32_t taken = channel_.takeFaults(mask);

	for (unsigned int i = 0; i < kFaults.size(); i++) {
		if ((kFaults[i].bit & mask) && faults_[i]) {
			faults_[i]--;
			taken |= kFaults[i].bit;
		}
	}

	return taken;
}

void Engine::interrupt(uint32_t bits)
{
	if (irqEnable_ && channel_.interruptEnabled(bits))
		interrupts_.trigger(0);
}

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

void Engine::run()
{
	Lock lock(mutex_);

	/* Whatever woke the thread, all conditions are looked at again. */
	while (!exiting_) {
		if (!channel_.running()) {
			wake_.wait(lock);
			continue;
		}

		const auto now = Clock::now();
		const auto due = nextStart(now);
		if (now < due) {
			wake_.wait_until(lock, due);
			continue;
		}

		if (settings_.starved == Settings::Starved::Hold && channel_.starved()) {
			wake_.wait(lock);
			continue;
		}

		/*
		 * A little late is the host's scheduling, and the frame started
		 * when it was due. Very late is a blanking that was stretched:
		 * for an address, or because the last frame took this long.
		 */
		const bool onTime = now - due < sensor_.shortestInterval() / 4;
		frame(lock, onTime ? due : now);
	}
}

void Engine::frame(Lock &lock, Clock::time_point start)
{
	lastStart_ = start;
	lastValues_ = sensor_.sample();
	lastLost_ = true;

	if (takeFaults(CMACAM_FAULT_DROP))
		return lose(lock, "fault");
	if (channel_.starved())
		return lose(lock, "fifo-empty");
	switch (ringEntryState()) {
	case RingEntry::Free:
		break;
	case RingEntry::Full:
		return lose(lock, "ring-full");
	case RingEntry::OutOfReach:
		return lose(lock, kRingError, true);
	}

	lastLost_ = false;
	Job job = begin(start);
	interrupt(CMACAM_CH_INT_FRAME_START);

	lock.unlock();
	const bool told = perform(job);
	lock.lock();

	if (told) {
		channel_.endFrame(job.completion.flags);
		if (!(job.faults & CMACAM_FAULT_LOSE_IRQ))
			interrupt(CMACAM_CH_INT_FRAME_DONE);
	} else {
		channel_.loseFrame(true);
		interrupt(CMACAM_CH_INT_DROP);
	}

	betweenFrames();
}

Engine::Job Engine::begin(Clock::time_point start)
{
	Job job = {
		.config = channel_.config(),
		.settings = settings_,
		.faults = takeFaults(~uint32_t{CMACAM_FAULT_DROP}),
		.ringEntry = channel_.ringEntry(),
		.brightness = sensor_.brightness(lastValues_),
		.notBefore = start,
		.completion = {},
	};

	/* A paced sensor takes a part of the interval to read its lines out. */
	if (settings_.pacing != Settings::Pacing::Max) {
		const Clock::duration interval = nextStart(start) - start;
		job.notBefore +=
			std::min<Clock::duration>(interval, sensor_.shortestInterval()) / 2;
	}

	job.completion.addr = channel_.beginFrame();
	job.completion.time = boardTime(start);
	job.completion.sequence = channel_.sequence();
	job.completion.exposure = lastValues_.exposure;
	job.completion.gain = lastValues_.gain;
	job.completion.pattern = lastValues_.pattern;
	job.completion.line_length = lastValues_.lineLength;
	job.completion.frame_length = lastValues_.frameLength;
	job.completion.dropped = channel_.dropped();
	return job;
}

bool Engine::perform(Job &job)
{
	cmacam_completion &completion = job.completion;
	const FrameTraits traits = writeFrame(job);
	std::this_thread::sleep_until(job.notBefore);

	const auto lease = memory_.acquire(job.ringEntry, sizeof(completion));
	if (!lease) {
		logLost(completion.sequence, kRingError);
		return false;
	}

	/* The line stands in the log before the driver can know of the frame. */
	std::string line = std::format("frame ch=0 seq={} addr={:#x} bytes={} flags={:#x} "
				       "nonce=0x{:016x} exposure={} gain={} pattern={}",
				       completion.sequence, completion.addr, completion.bytes,
				       completion.flags, traits.nonce, completion.exposure,
				       completion.gain, completion.pattern);
	if (!traits.sha256.empty())
		line += " sha256=" + traits.sha256;
	log_.write(line);

	auto *entry = reinterpret_cast<cmacam_completion *>(lease.bytes().data());
	std::memcpy(entry, &completion, offsetof(cmacam_completion, owner));

	/*
	 * Release: pixels, mark and the entry are visible before the bit that
	 * tells the driver to look. It pairs with the driver's dma_rmb().
	 */
	std::atomic_ref(entry->owner).store(CMACAM_DONE_OWNER, std::memory_order_release);
	return true;
}

FrameTraits Engine::writeFrame(Job &job)
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
	    channel_.addressValid(completion.addr, bytes)) {
		if (const auto lease = memory_.acquire(completion.addr, bytes)) {
			const FrameDescription frame = {
				.sequence = completion.sequence,
				.values = {completion.exposure, completion.gain, completion.pattern,
					   completion.line_length, completion.frame_length},
				.brightness = job.brightness,
				.layout = job.config.layout,
			};
			completion.bytes = static_cast<uint32_t>(bytes);
			return writer_.write(frame, job.settings, lease.bytes());
		}
	}

	writer_.skip(completion.sequence);
	completion.flags = CMACAM_DONE_BUS_ERROR;
	return {};
}

void Engine::lose(Lock &lock, std::string_view reason, bool error)
{
	const uint32_t sequence = channel_.sequence();

	/* The source may have to decode: registers must answer meanwhile. */
	channel_.beginLost();
	lock.unlock();
	writer_.skip(sequence);
	logLost(sequence, reason);
	lock.lock();

	channel_.loseFrame(error);
	interrupt(CMACAM_CH_INT_DROP);
	betweenFrames();
}

void Engine::logLost(uint32_t sequence, std::string_view reason)
{
	log_.write(std::format("lost ch=0 seq={} reason={}", sequence, reason));
}

void Engine::betweenFrames()
{
	if (resetPending_)
		resetNow();
	stopIfAsked();
}

Engine::RingEntry Engine::ringEntryState()
{
	const auto lease = memory_.acquire(channel_.ringEntry(), sizeof(cmacam_completion));
	if (!lease)
		return RingEntry::OutOfReach;

	auto *entry = reinterpret_cast<cmacam_completion *>(lease.bytes().data());
	const uint32_t owner = std::atomic_ref(entry->owner).load(std::memory_order_acquire);
	return owner & CMACAM_DONE_OWNER ? RingEntry::Full : RingEntry::Free;
}

} /* namespace cmacam */
