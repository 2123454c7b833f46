/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: cameras.
 */

#include "bindings.h"

#include <map>
#include <mutex>
#include <tuple>
#include <vector>

#include <cmacam/camera.h>

namespace {

using cmacam::Camera;
using cmacam::ControlValue;

using Size = std::pair<unsigned int, unsigned int>;
using Lores = std::tuple<std::string, unsigned int, unsigned int>;
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

/* A camera that may have been closed. */
class Handle
{
public:
	explicit Handle(cmacam::CameraOptions options)
	{
		options.log = [told = told_](const std::string &text) { told->add(text); };
		std::optional<cmacam::Result<Camera>> camera;
		{
			py::gil_scoped_release unlocked;
			camera.emplace(Camera::open(options));
		}
		camera_.emplace(valueOf(*std::move(camera)));
	}

	Camera &operator*()
	{
		if (closed_)
			throw py::value_error("the camera was closed");
		return *camera_;
	}

	Camera *operator->() { return &**this; }

	void start()
	{
		Camera &camera = **this;
		std::optional<cmacam::Result<void>> started;
		{
			py::gil_scoped_release unlocked;
			started.emplace(camera.start());
		}
		valueOf(*std::move(started));
		running_ = true;
	}

	void stop()
	{
		running_ = false;
		Camera &camera = **this;
		std::optional<cmacam::Result<void>> stopped;
		{
			py::gil_scoped_release unlocked;
			stopped.emplace(camera.stop());
		}
		valueOf(*std::move(stopped));
	}

	/* Another thread may be inside: the object stays, and its next() ends. */
	void close()
	{
		running_ = false;
		closed_ = true;
		py::gil_scoped_release unlocked;
		camera_->close();
	}

	cmacam::Frame next(double timeout)
	{
		cmacam::Frame frame = nextFrame(**this, timeout);
		told_->log();
		return frame;
	}

	bool running() const { return running_; }

private:
	const std::shared_ptr<Told> told_ = std::make_shared<Told>();
	std::optional<Camera> camera_;
	bool running_ = false;
	bool closed_ = false;
};

std::unique_ptr<Handle> open(const std::string &id, const std::string &format,
			     const std::optional<Size> &size, const std::optional<Lores> &lores,
			     unsigned int buffers, const std::string &policy,
			     const Controls &controls)
{
	cmacam::CameraOptions options;
	options.id = id;
	options.main.format = format;
	if (size)
		std::tie(options.main.width, options.main.height) = *size;
	if (lores)
		std::tie(options.lores.format, options.lores.width, options.lores.height) = *lores;
	options.buffers = buffers;
	options.policy = policyOf(policy);
	for (const auto &[name, value] : controls)
		options.controls.push_back({name, value});

	return std::make_unique<Handle>(options);
}

void set(Handle &camera, const py::kwargs &controls)
{
	for (const auto &[name, value] : controls)
		valueOf(camera->set(name.cast<std::string>(), value.cast<ControlValue>()));
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
	const cmacam::FrameLayout layout = valueOf(camera->layout(streamOf(stream)));
	py::dict told;
	told["format"] = cmacam::formatInfo(layout.format).name;
	told["width"] = layout.width;
	told["height"] = layout.height;
	told["stride"] = layout.planes[0].stride;
	return told;
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
		"A 'for' loop over the camera gets the frames. The header cmacam/camera.h\n"
		"describes the policies and the errors. If the camera loses frames because the\n"
		"program holds all buffers, the logger 'cmacam' gets a warning.")
		.def(py::init(&open), py::arg("id") = "", py::kw_only(), py::arg("format") = "",
		     py::arg("size") = py::none(), py::arg("lores") = py::none(),
		     py::arg("buffers") = 0, py::arg("policy") = "drop-oldest",
		     py::arg("controls") = Controls(),
		     "Open a camera and allocate its buffers.\n\n"
		     "- id: libcamera's id of the camera, or its model if no other camera has this\n"
		     "  model; empty: the first cmacam camera, or the first camera of any kind if\n"
		     "  there is no cmacam camera.\n"
		     "- format: libcamera's name of the format; empty: the camera's choice.\n"
		     "- size: (width, height) in pixels; None: the camera's choice.\n"
		     "- lores: (format, width, height) of the lores stream; None: no such stream.\n"
		     "- buffers: number of buffers; 0: the camera's choice.\n"
		     "- policy: 'drop-oldest', 'block' or 'copy'.\n"
		     "- controls: {libcamera's name: value} to set before the first frame.")
		.def_static(
			"list", [] { return valueOf(Camera::list()); },
			"List the ids of all cameras.")
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
		.def("start", &Handle::start, "Begin to capture.")
		.def("stop", &Handle::stop, "Stop capturing and drop the frames that wait.")
		.def("close", &Handle::close,
		     "Stop the camera and release it. Frames that the program holds keep their\n"
		     "pixels.")
		.def("next", &Handle::next, py::arg("timeout") = 5.0,
		     "Wait for the next frame for at most 'timeout' seconds.")
		.def("set", set,
		     "Set controls, such as set(ExposureTime=10000). The new values apply from\n"
		     "the next request on.")
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
