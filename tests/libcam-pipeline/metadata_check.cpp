/* SPDX-License-Identifier: MIT */
/*
 * Runs inside the machine, on a board that marks its frames: changes exposure,
 * gain, frame duration and pattern at random with every request, and compares
 * the metadata of each frame with the mark in its own pixels.
 *
 * Then sets exposure times that were reported and looks whether the same
 * number of lines comes out.
 */

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <cmacam-regs.h>

#include <libcamera/libcamera.h>

#include <cmacam/libcamera.h>
#include <cmacam/mapped_frame.h>

namespace controls = libcamera::controls;

namespace {

/* Longer ones would only make the test slow. */
constexpr int32_t kLongestExposure = 40000;
constexpr int64_t kLongestFrame = 50000;

/* Requests after which a constant setting must be in force. */
constexpr unsigned int kSettle = 8;

/* By number of the board's pattern. */
constexpr std::array kModes{
	controls::draft::TestPatternModeOff,
	controls::draft::TestPatternModeColorBars,
	controls::draft::TestPatternModeCustom1,
	controls::draft::TestPatternModeSolidColor,
};

void must(bool condition, const std::string &what)
{
	if (!condition)
		throw std::runtime_error(what);
}

/*
 * The line time is the same for every frame: each pair of lines and reported
 * microseconds narrows down what it can be.
 */
class LineTime
{
public:
	bool fits(uint32_t lines, int32_t us)
	{
		min_ = std::max(min_, (us - 0.5) / lines);
		max_ = std::min(max_, (us + 0.5) / lines);
		return min_ <= max_;
	}

private:
	double min_ = 0;
	double max_ = 1e9;
};

class Check
{
public:
	Check(unsigned int frames, unsigned int roundTrips, unsigned int seed)
		: frames_(frames), roundTrips_(roundTrips), random_(seed)
	{
	}
	~Check();

	void run();
	bool print() const;

private:
	void setUp();
	void completed(libcamera::Request *request);
	void look(const libcamera::Request &request, const libcamera::FrameBuffer &buffer);
	void lookAtRandom(const cmacam_mark &mark, const libcamera::ControlList &metadata);
	void lookAtRoundTrip(const cmacam_mark &mark, int32_t exposureTime);
	void setControls(libcamera::ControlList *list);
	int64_t pick(int64_t min, int64_t max)
	{
		return std::uniform_int_distribution<int64_t>(min, max)(random_);
	}

	const unsigned int frames_;
	const unsigned int roundTrips_;
	std::mt19937 random_;

	libcamera::CameraManager manager_;
	std::shared_ptr<libcamera::Camera> camera_;
	std::unique_ptr<libcamera::CameraConfiguration> config_;
	std::unique_ptr<libcamera::FrameBufferAllocator> allocator_;
	std::map<const libcamera::FrameBuffer *, cmacam::FrameMapping> mappings_;
	std::vector<std::unique_ptr<libcamera::Request>> requests_;

	/* All below: libcamera's thread while streaming, main() before and after. */
	unsigned int seen_ = 0;
	unsigned int next_ = 0; /* sequence */
	unsigned int lost_ = 0;
	unsigned int mismatches_ = 0;
	LineTime lineTime_;
	std::map<int32_t, uint32_t> reported_; /* microseconds to lines */
	std::set<uint32_t> gains_;
	std::set<uint32_t> patterns_;
	int32_t target_ = 0; /* microseconds; 0: random phase */
	unsigned int settled_ = 0;
	unsigned int roundTripsDone_ = 0;
	unsigned int wrongRoundTrips_ = 0;
	std::string error_;

	std::mutex mutex_;
	std::condition_variable wake_;
	bool done_ = false;
};

Check::~Check()
{
	if (!camera_)
		return;

	camera_->stop();
	requests_.clear();
	mappings_.clear();
	allocator_.reset();
	camera_->release();
	camera_.reset();
	manager_.stop();
}

void Check::setUp()
{
	must(!manager_.start() && !manager_.cameras().empty(), "no camera");
	std::shared_ptr<libcamera::Camera> camera = manager_.cameras().front();
	must(!camera->acquire(), "the camera is busy");
	camera_ = camera;

	config_ = camera_->generateConfiguration({libcamera::StreamRole::Viewfinder});
	must(config_ && !camera_->configure(config_.get()), "cannot configure");

	libcamera::StreamConfiguration &stream = config_->at(0);
	allocator_ = std::make_unique<libcamera::FrameBufferAllocator>(camera_);
	must(allocator_->allocate(stream.stream()) > 0, "cannot allocate");

	for (const auto &buffer : allocator_->buffers(stream.stream())) {
		auto layout = cmacam::layoutOf(stream, *buffer);
		must(layout.has_value(), "no layout");
		auto mapping = cmacam::FrameMapping::map(*layout);
		must(mapping.has_value(), "cannot map");
		mappings_.emplace(buffer.get(), *std::move(mapping));

		auto request = camera_->createRequest();
		must(request && !request->addBuffer(stream.stream(), buffer.get()), "no request");
		requests_.push_back(std::move(request));
	}
}

void Check::run()
{
	setUp();
	camera_->requestCompleted.connect(this, &Check::completed);
	must(!camera_->start(), "cannot start");
	for (const auto &request : requests_) {
		setControls(&request->controls());
		must(!camera_->queueRequest(request.get()), "cannot queue");
	}

	std::unique_lock lock(mutex_);
	wake_.wait(lock, [this] { return done_; });
	lock.unlock();

	camera_->stop();
	must(error_.empty(), error_);
}

/* No exception may leave: libcamera's thread calls. */
void Check::completed(libcamera::Request *request)
{
	if (done_)
		return;

	const libcamera::FrameBuffer *buffer = request->buffers().begin()->second;
	if (request->status() != libcamera::Request::RequestComplete ||
	    buffer->metadata().status != libcamera::FrameMetadata::FrameSuccess)
		error_ = "a request was cancelled, or its frame is in error";
	else
		look(*request, *buffer);

	if (!error_.empty() || (seen_ >= frames_ && roundTripsDone_ >= roundTrips_)) {
		std::lock_guard lock(mutex_);
		done_ = true;
		wake_.notify_one();
		return;
	}

	request->reuse(libcamera::Request::ReuseBuffers);
	setControls(&request->controls());
	camera_->queueRequest(request);
}

void Check::look(const libcamera::Request &request, const libcamera::FrameBuffer &buffer)
{
	auto frame = mappings_.at(&buffer).begin();
	if (!frame) {
		error_ = frame.error().what;
		return;
	}

	cmacam_mark mark;
	memcpy(&mark, frame->planes()[0].data.data(), sizeof(mark));
	if (mark.magic != CMACAM_MARK_MAGIC) {
		error_ = "the board does not mark its frames: set its mark mode to 'frame'";
		return;
	}

	const unsigned int sequence = buffer.metadata().sequence;
	lost_ += sequence - next_;
	next_ = sequence + 1;
	if (sequence != mark.sequence)
		mismatches_++;

	if (!target_)
		lookAtRandom(mark, request.metadata());
	else
		lookAtRoundTrip(mark, request.metadata().get(controls::ExposureTime).value_or(0));
}

void Check::lookAtRandom(const cmacam_mark &mark, const libcamera::ControlList &metadata)
{
	const auto exposure = metadata.get(controls::ExposureTime);
	const auto gain = metadata.get(controls::AnalogueGain);
	const auto pattern = metadata.get(controls::draft::TestPatternMode);

	if (!exposure || !lineTime_.fits(mark.exposure, *exposure) || !gain ||
	    *gain != mark.gain / 256.0f || mark.pattern >= kModes.size() ||
	    pattern != kModes[mark.pattern] || !metadata.get(controls::FrameDuration) ||
	    !metadata.get(controls::SensorTimestamp)) {
		mismatches_++;
		return;
	}

	reported_.emplace(*exposure, mark.exposure);
	gains_.insert(mark.gain);
	patterns_.insert(mark.pattern);

	if (++seen_ >= frames_)
		target_ = reported_.begin()->first;
}

void Check::lookAtRoundTrip(const cmacam_mark &mark, int32_t exposureTime)
{
	if (++settled_ < kSettle)
		return;

	if (exposureTime != target_ || mark.exposure != reported_.at(target_))
		wrongRoundTrips_++;

	roundTripsDone_++;
	settled_ = 0;
	auto next = reported_.begin();
	std::advance(next, pick(0, reported_.size() - 1));
	target_ = next->first;
}

void Check::setControls(libcamera::ControlList *list)
{
	const libcamera::ControlInfoMap &info = camera_->controls();

	const auto &exposure = info.at(&controls::ExposureTime);
	const auto &gain = info.at(&controls::AnalogueGain);
	const auto &frame = info.at(&controls::FrameDurationLimits);

	list->set(controls::ExposureTimeMode, controls::ExposureTimeModeManual);
	list->set(controls::AnalogueGainMode, controls::AnalogueGainModeManual);

	if (target_) {
		list->set(controls::ExposureTime, target_);
		return;
	}

	list->set(controls::ExposureTime,
		  static_cast<int32_t>(pick(exposure.min().get<int32_t>(), kLongestExposure)));
	list->set(controls::AnalogueGain,
		  std::uniform_real_distribution<float>(gain.min().get<float>(),
							gain.max().get<float>())(random_));
	list->set(controls::draft::TestPatternMode,
		  static_cast<int32_t>(kModes[pick(0, kModes.size() - 1)]));

	/* Room for the longest exposure, so that no request is cut. */
	const std::array<int64_t, 2> limits{pick(frame.min().get<int64_t>(), kLongestFrame),
					    2 * kLongestFrame};
	list->set(controls::FrameDurationLimits, limits);
}

bool Check::print() const
{
	printf("frames=%u mismatches=%u lost=%u exposures=%zu gains=%zu patterns=%zu "
	       "roundtrips=%u wrong=%u\n",
	       seen_, mismatches_, lost_, reported_.size(), gains_.size(), patterns_.size(),
	       roundTripsDone_, wrongRoundTrips_);

	/* Settings that hardly changed would prove nothing. */
	return !mismatches_ && !wrongRoundTrips_ && reported_.size() > frames_ / 10 &&
	       gains_.size() > frames_ / 10 && patterns_.size() == kModes.size();
}

} /* namespace */

int main(int argc, char **argv)
{
	unsigned int frames = 200;
	unsigned int roundTrips = 10;
	unsigned int seed = 1;

	CLI::App app("Compares metadata with the marks in the frames, under random controls.");
	app.add_option("--frames", frames, "frames with random controls")->capture_default_str();
	app.add_option("--round-trips", roundTrips, "exposure times set again")
		->capture_default_str();
	app.add_option("--seed", seed, "of the random numbers")->capture_default_str();
	CLI11_PARSE(app, argc, argv);

	try {
		Check check(frames, roundTrips, seed);
		check.run();
		return check.print() ? 0 : 1;
	} catch (const std::exception &error) {
		fprintf(stderr, "metadata_check: %s\n", error.what());
		return 2;
	}
}
