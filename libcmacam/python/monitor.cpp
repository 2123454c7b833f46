/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: cameras that are plugged in and unplugged.
 */

#include "bindings.h"

#include <limits>

#include <cmacam/camera_monitor.h>

#include "waiting.h"

namespace {

using cmacam::CameraChange;
using cmacam::CameraMonitor;

using Monitor = Owned<CameraMonitor>;

constexpr double kForever = std::numeric_limits<double>::infinity();

Monitor watch()
{
	std::optional<cmacam::Result<CameraMonitor>> monitor;
	{
		py::gil_scoped_release unlocked;
		monitor.emplace(CameraMonitor::create());
	}
	return {valueOf(*std::move(monitor)), "the list of cameras"};
}

void closeMonitor(Monitor &monitor)
{
	monitor.close([](CameraMonitor &open) { open.close(); });
}

} /* namespace */

void bindMonitor(py::module_ &module)
{
	py::class_<CameraChange>(module, "CameraChange",
				 "A camera that was plugged in or unplugged.")
		.def_readonly("id", &CameraChange::id, "libcamera's id of the camera.")
		.def_readonly("present", &CameraChange::present,
			      "True: the camera is there now. False: it is gone.");

	py::class_<Monitor>(
		module, "Cameras",
		"Cameras that are there, and those that come and go. A 'for' loop gets a\n"
		"CameraChange for each camera that is there, and then waits for changes.\n"
		"'async for' does the same in an event loop of asyncio.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](Monitor &cameras, const py::args &) { closeMonitor(cameras); })
		.def("__iter__", [](py::object self) { return self; })
		.def("__next__",
		     [](const Monitor &cameras) {
			     if (!cameras.isOpen())
				     throw py::stop_iteration();
			     return waitFor(cameras, kForever);
		     })
		.def("__aiter__", [](py::object self) { return self; })
		.def("__anext__",
		     [](const py::object &self) { return iterateAsync(self, kForever); })
		.def_property_readonly("_running", &Monitor::isOpen)
		.def("_take", take<CameraMonitor>)
		.def("next", waitFor<CameraMonitor>, py::arg("timeout") = kForever,
		     "Wait for the next change for at most 'timeout' seconds.")
		.def("next_async", nextAsync, py::arg("timeout") = kForever,
		     "Await the next change in an event loop of asyncio, for at most 'timeout'\n"
		     "seconds. A cancellation takes no change away.")
		.def(
			"fileno", [](const Monitor &cameras) { return cameras.get()->fd(); },
			"Get a file descriptor for select and event loops. It is readable while a\n"
			"change waits. The program must not read or close it.")
		.def("close", closeMonitor, "End the waits of all threads, which raise ValueError.")
		.def_property_readonly(
			"ids", [](const Monitor &cameras) { return cameras.get()->cameras(); },
			"Ids of the cameras that are there now.");

	module.def("cameras", watch,
		   "Watch the cameras of the system. Returns Cameras, with the cameras that are\n"
		   "there and with each change.");
}
