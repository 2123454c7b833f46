/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: cameras.
 */

#include "bindings.h"

#include <map>
#include <mutex>
#include <tuple>
#include <variant>
#include <vector>

#include <cmacam/camera.h>

#include "waiting.h"

namespace {

using cmacam::Camera;
using cmacam::ControlValue;

using Size = std::pair<unsigned int, unsigned int>;
using FormatAndSize = std::tuple<std::string, unsigned int, unsigned int>;
using Still = std::variant<bool, FormatAndSize>;
using Controls = std::map<std::string, ControlValue>;

const std::pair<const char *, cmacam::Policy> kPolicies[] = {
	{"drop-oldest", cmacam::Policy::DropOldest},
	{"block", cmacam::Policy::Block},
	{"copy", cmacam::Policy::Copy},
};

cmacam::Policy policyOf(const std::string &name)
{
	for (const auto &[known, policy] : kPolicies) {
		if (name == known)
			return policy;
	}
	throw py::value_error("no policy is called '" + name +
			      "'; the policies are drop-oldest, block and copy");
}

/* What a camera has to tell, from its thread to that of next(): Python's lock is the latter's. */
class Told
{
public:
	void add(const std::string &text)
	{
		std::lock_guard lock(mutex_);
		texts_.push_back(text);
	}

	/* To Python's logger "cmacam", which shows it unless the program says otherwise. */
	void log()
	{
		std::vector<std::string> texts;
		{
			std::lock_guard lock(mutex_);
			texts.swap(texts_);
		}
		for (const std::string &text : texts)
			py::module_::import("logging").attr("getLogger")("cmacam").attr("warning")(
				"%s", text);
	}

private:
	std::mutex mutex_;
	std::vector<std::string> texts_;
};

/* A camera, and what it has told. */
class Handle
{
public:
	explicit Handle(cmacam::CameraOptions options)
		: camera_(openUnlocked(std::move(options), told_), "the camera")
	{
		told_->log();
	}

	Camera *operator->() const { return camera_.get().get(); }
	const Owned<Camera> &owned() const { return camera_; }

	void start()
	{
		valueOf(unlocked([](Camera &camera) { return camera.start(); }));
		running_ = true;
	}

	void stop()
	{
		running_ = false;
		valueOf(unlocked([](Camera &camera) { return camera.stop(); }));
	}

	void set(const std::vector<cmacam::NamedValue> &controls)
	{
		cmacam::Result<void> result =
			unlocked([&](Camera &camera) { return camera.set(controls); });
		told_->log();
		valueOf(std::move(result));
	}

	void close()
	{
		running_ = false;
		camera_.close([](Camera &camera) { camera.close(); });
	}

	FrameHandle next(double timeout)
	{
		cmacam::Frame frame = waitFor(camera_, timeout);
		told_->log();
		return handleOf(std::move(frame));
	}

	/* In one call: each one asks the camera for another still. */
	FrameHandle capture(double timeout)
	{
		const std::shared_ptr<Camera> camera = camera_.get();
		std::optional<cmacam::Result<cmacam::Frame>> still;
		{
			py::gil_scoped_release unlocked;
			still.emplace(camera->capture(millisecondsOf(timeout)));
		}
		told_->log();
		if (!*still && still->error().code == EPERM && !camera_.isOpen())
			throw py::value_error(camera_.closedText());
		return handleOf(valueOf(*std::move(still)));
	}

	/* For event loops; see take(). */
	std::optional<FrameHandle> takeNext(double timeout, bool last)
	{
		std::optional<cmacam::Frame> frame = take(camera_, timeout, last);
		told_->log();
		if (!frame)
			return std::nullopt;
		return handleOf(*std::move(frame));
	}

	bool running() const { return running_; }

private:
	static Camera openUnlocked(cmacam::CameraOptions options, const std::shared_ptr<Told> &told)
	{
		options.log = [told](const std::string &text) { told->add(text); };
		std::optional<cmacam::Result<Camera>> camera;
		{
			py::gil_scoped_release unlocked;
			camera.emplace(Camera::open(options));
		}
		return valueOf(*std::move(camera));
	}

	/* The result of a call without Python's lock. */
	template <typename Call>
	cmacam::Result<void> unlocked(const Call &call) const
	{
		const std::shared_ptr<Camera> camera = camera_.get();
		py::gil_scoped_release unlocked;
		return call(*camera);
	}

	const std::shared_ptr<Told> told_ = std::make_shared<Told>();
	Owned<Camera> camera_;
	bool running_ = false;
};

cmacam::StreamOptions streamOptionsOf(const FormatAndSize &wanted)
{
	const auto &[format, width, height] = wanted;
	return {format, width, height};
}

std::unique_ptr<Handle> open(const std::string &id, const std::string &format,
			     const std::optional<Size> &size,
			     const std::optional<FormatAndSize> &lores, const Still &still,
			     unsigned int buffers, const std::string &policy,
			     const Controls &controls)
{
	cmacam::CameraOptions options;
	options.id = id;
	options.main.format = format;
	if (size)
		std::tie(options.main.width, options.main.height) = *size;
	if (lores)
		options.lores = streamOptionsOf(*lores);
	if (const auto *wanted = std::get_if<FormatAndSize>(&still))
		options.still = streamOptionsOf(*wanted);
	else if (std::get<bool>(still))
		options.still = cmacam::StreamOptions{};
	options.buffers = buffers;
	options.policy = policyOf(policy);
	for (const auto &[name, value] : controls)
		options.controls.push_back({name, value});

	return std::make_unique<Handle>(options);
}

void set(Handle &camera, const py::kwargs &controls)
{
	std::vector<cmacam::NamedValue> all;
	for (const auto &[name, value] : controls)
		all.push_back({name.cast<std::string>(), value.cast<ControlValue>()});
	camera.set(all);
}

void bracket(Handle &camera, const std::vector<Controls> &sets)
{
	std::vector<std::vector<cmacam::NamedValue>> all;
	for (const Controls &set : sets) {
		std::vector<cmacam::NamedValue> &values = all.emplace_back();
		for (const auto &[name, value] : set)
			values.push_back({name, value});
	}
	valueOf(camera->bracket(all));
}

py::dict controls(Handle &camera)
{
	py::dict all;
	for (const cmacam::ControlRange &control : camera->controls())
		all[py::str(control.name)] = py::make_tuple(control.min, control.max, control.def);
	return all;
}

py::dict layout(Handle &camera, const std::string &stream)
{
	return dictOf(valueOf(camera->layout(streamOf(stream))));
}

py::dict statistics(Handle &camera)
{
	const cmacam::CameraStatistics counts = camera->statistics();
	py::dict told;
	told["delivered"] = counts.delivered;
	told["copied"] = counts.copied;
	told["dropped"] = counts.dropped;
	told["damaged"] = counts.damaged;
	told["lost"] = counts.lost;
	told["starved"] = counts.starved;
	return told;
}

py::list holders(Handle &camera)
{
	py::list all;
	for (const cmacam::Holder &holder : camera->holders()) {
		py::dict one;
		one["name"] = holder.name;
		one["buffer"] = holder.buffer;
		one["sequence"] = holder.sequence;
		one["seconds"] = std::chrono::duration<double>(holder.held).count();
		all.append(one);
	}
	return all;
}

} /* namespace */

void bindCamera(py::module_ &module)
{
	py::class_<Handle>(
		module, "Camera",
		"A camera. A 'with' block starts the camera, and the end of the block closes it.\n"
		"A 'for' loop over the camera gets the frames, and so does 'async for'. Any\n"
		"thread may call any method. The header cmacam/camera.h\n"
		"describes the policies and the errors. If the camera loses frames because the\n"
		"program holds all buffers, the logger 'cmacam' gets a warning.")
		.def(py::init(&open), py::arg("id") = "", py::kw_only(), py::arg("format") = "",
		     py::arg("size") = py::none(), py::arg("lores") = py::none(),
		     py::arg("still") = Still(false), py::arg("buffers") = 0,
		     py::arg("policy") = "drop-oldest", py::arg("controls") = Controls(),
		     "Open a camera and allocate its buffers.\n\n"
		     "- id: libcamera's id of the camera, or its model if no other camera has "
		     "this\n"
		     "  model; empty: the first cmacam camera, or the first camera of any kind if\n"
		     "  there is no cmacam camera.\n"
		     "- format: libcamera's name of the format; empty: the camera's choice.\n"
		     "- size: (width, height) in pixels; None: the camera's choice.\n"
		     "- lores: (format, width, height) of the lores stream; None: no such stream.\n"
		     "- still: (format, width, height) of the stills of capture(), or True for "
		     "the\n"
		     "  camera's largest size; False: no stills. Stills and lores exclude each "
		     "other.\n"
		     "- buffers: number of buffers; 0: the camera's choice.\n"
		     "- policy: 'drop-oldest', 'block' or 'copy'.\n"
		     "- controls: {libcamera's name: value} to set before the first frame.")
		.def_static(
			"list",
			[] {
				std::optional<cmacam::Result<std::vector<std::string>>> ids;
				{
					py::gil_scoped_release unlocked;
					ids.emplace(Camera::list());
				}
				return valueOf(*std::move(ids));
			},
			"List the ids of all cameras. cmacam.cameras() also returns changes.")
		.def("__enter__",
		     [](py::object self) {
			     self.cast<Handle &>().start();
			     return self;
		     })
		.def("__exit__", [](Handle &camera, const py::args &) { camera.close(); })
		.def("__iter__", [](py::object self) { return self; })
		.def("__next__",
		     [](Handle &camera) {
			     if (!camera.running())
				     throw py::stop_iteration();
			     return camera.next(5);
		     })
		.def("__aiter__", [](py::object self) { return self; })
		.def("__anext__", [](const py::object &self) { return iterateAsync(self, 5); })
		.def_property_readonly("_running", &Handle::running)
		.def("_take", &Handle::takeNext)
		.def("start", &Handle::start, "Begin to capture.")
		.def("stop", &Handle::stop, "Stop capturing and drop the frames that wait.")
		.def("close", &Handle::close,
		     "Stop the camera and release it. Frames that the program holds keep their\n"
		     "pixels. A next() that waits in another thread raises ValueError.")
		.def("next", &Handle::next, py::arg("timeout") = 5.0,
		     "Wait for the next frame for at most 'timeout' seconds. If several threads\n"
		     "wait, each frame goes to one of them.")
		.def("capture", &Handle::capture, py::arg("timeout") = 5.0,
		     "Take a still: one picture in the size of Camera(still=...), while the "
		     "frames\n"
		     "of next() continue. Wait at most 'timeout' seconds; Ctrl+C takes effect "
		     "after\n"
		     "that. In asyncio, use asyncio.to_thread(camera.capture). The still is a "
		     "frame:\n"
		     "its release() gives back one of the two buffers for stills.")
		.def("next_async", nextAsync, py::arg("timeout") = 5.0,
		     "Await the next frame in an event loop of asyncio, for at most 'timeout'\n"
		     "seconds. A cancellation takes no frame away. 'async for frame in camera'\n"
		     "does the same for each frame.")
		.def(
			"fileno", [](Handle &camera) { return valueOf(camera->fd()); },
			"Get a file descriptor for select and event loops. It is readable while a\n"
			"frame or an error waits: then next(0) does not wait. The program must "
			"not\n"
			"read or close it.")
		.def("set", set,
		     "Set controls, such as set(ExposureTime=10000). The new values apply\n"
		     "together, from the next request on. If the camera ignores a control, such\n"
		     "as ExposureTime while automatic exposure is on, the logger 'cmacam' gets a\n"
		     "warning.")
		.def("bracket", bracket, py::arg("sets"),
		     "Take a series of frames, each with controls of its own:\n"
		     "bracket([{'AeEnable': False, 'ExposureTime': 1000}, ...]). The frames come\n"
		     "from next() in their order; Frame.bracket is the index of a frame's set.\n"
		     "After the series, the controls have their former values.")
		.def("layout", layout, py::arg("stream") = "main",
		     "Get format, width, height and stride (in bytes) of stream 'main' or 'lores'.")
		.def_property_readonly(
			"id", [](Handle &camera) { return camera->id(); },
			"libcamera's id of the camera.")
		.def_property_readonly(
			"buffers", [](Handle &camera) { return camera->buffers(); },
			"Number of buffers of the camera.")
		.def_property_readonly(
			"controls", controls,
			"All controls of the camera: {name: (minimum, maximum, default)}.")
		.def_property_readonly("statistics", statistics,
				       "Counts since start(): delivered, copied, "
				       "dropped, damaged, lost, starved.\n"
				       "See cmacam::CameraStatistics.")
		.def_property_readonly(
			"holders", holders,
			"All leases, the oldest first, each with name, buffer, sequence, seconds.");
}
