/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: frames of other processes, and for them.
 */

#include "bindings.h"

#include <cmacam/sharing.h>

#include "waiting.h"

namespace {

using cmacam::Frame;
using cmacam::FrameClient;
using cmacam::FrameServer;

using Server = Owned<FrameServer>;
using Client = Owned<FrameClient>;

Server serve(const std::string &path, unsigned int buffers, unsigned int reserve,
	     unsigned int credits, unsigned int patience, unsigned int mode, bool writable)
{
	cmacam::ShareOptions options;
	options.path = path;
	options.buffers = buffers;
	options.reserve = reserve;
	options.credits = credits;
	options.patience = patience;
	options.mode = mode;
	options.writable = writable;
	std::optional<cmacam::Result<FrameServer>> server;
	{
		py::gil_scoped_release unlocked;
		server.emplace(FrameServer::listen(options));
	}
	return {valueOf(*std::move(server)), "the server"};
}

Client connect(const std::string &path, unsigned int credits)
{
	std::optional<cmacam::Result<FrameClient>> client;
	{
		py::gil_scoped_release unlocked;
		client.emplace(FrameClient::connect(path, credits));
	}
	return {valueOf(*std::move(client)), "the client"};
}

unsigned int publish(const Server &owned, const FrameHandle &frame)
{
	const std::shared_ptr<FrameServer> server = owned.get();
	const Frame lease = frame.get()->share();
	std::optional<cmacam::Result<unsigned int>> count;
	{
		py::gil_scoped_release unlocked;
		count.emplace(server->publish(lease));
	}
	return valueOf(*std::move(count));
}

py::list readers(const Server &server)
{
	py::list all;
	for (const cmacam::Reader &reader : server.get()->readers()) {
		py::dict one;
		one["pid"] = reader.pid;
		one["credits"] = reader.credits;
		one["held"] = reader.held;
		one["missed"] = reader.missed;
		all.append(one);
	}
	return all;
}

void closeServer(Server &server, const std::string &reason)
{
	server.close([&](FrameServer &open) {
		if (!reason.empty())
			open.close(reason);
	});
}

void closeClient(Client &client)
{
	client.close([](FrameClient &open) { open.close(); });
}

FrameHandle nextOf(const Client &client, double timeout)
{
	return handleOf(waitFor(client, timeout));
}

std::optional<FrameHandle> takeOf(const Client &client, double timeout, bool last)
{
	std::optional<Frame> frame = take(client, timeout, last);
	if (!frame)
		return std::nullopt;
	return handleOf(*std::move(frame));
}

} /* namespace */

void bindSharing(py::module_ &module)
{
	const cmacam::ShareOptions defaults;

	py::class_<Server>(module, "FrameServer",
			   "A server that lends frames to other processes. The header\n"
			   "cmacam/sharing.h describes the rules.")
		.def(py::init(&serve), py::arg("path"), py::arg("buffers"), py::kw_only(),
		     py::arg("reserve") = defaults.reserve, py::arg("credits") = defaults.credits,
		     py::arg("patience") = defaults.patience, py::arg("mode") = defaults.mode,
		     py::arg("writable") = defaults.writable,
		     "Listen for readers. cmacam/sharing.h describes the errors.\n\n"
		     "- path: path of the socket, which this call makes. If another file has this\n"
		     "  path, the call raises FileExistsError.\n"
		     "- buffers: number of the camera's buffers, from Camera.buffers.\n"
		     "- reserve: number of buffers that the server does not lend.\n"
		     "- credits: largest number of frames that a reader may hold.\n"
		     "- patience: number of frames in a row that a reader may miss while it holds\n"
		     "  frames; 0: no limit.\n"
		     "- mode: permissions of the socket.\n"
		     "- writable: whether readers may write to the buffers.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](Server &server, const py::args &) { closeServer(server, ""); })
		.def("publish", publish, py::arg("frame"),
		     "Lend a frame to each reader that has a credit left. Returns the number of\n"
		     "readers that got the frame.")
		.def("close", closeServer, py::arg("reason") = "",
		     "Disconnect all readers. If reason is not empty, the readers' errors name it.")
		.def_property_readonly("readers", readers,
				       "Connected readers, each with pid, credits, held, missed.");

	py::class_<Client>(module, "FrameClient",
			   "A client that gets the frames of a FrameServer. A 'for' loop over\n"
			   "the client gets the frames, and so does 'async for'.")
		.def(py::init(&connect), py::arg("path"), py::kw_only(), py::arg("credits") = 2,
		     "Connect to a server.\n\n"
		     "- path: path of the server's socket.\n"
		     "- credits: number of frames to hold at once. The server may grant fewer.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](Client &client, const py::args &) { closeClient(client); })
		.def("__iter__", [](py::object self) { return self; })
		.def("__next__",
		     [](const Client &client) {
			     if (!client.isOpen())
				     throw py::stop_iteration();
			     return nextOf(client, 5);
		     })
		.def("__aiter__", [](py::object self) { return self; })
		.def("__anext__", [](const py::object &self) { return iterateAsync(self, 5); })
		.def_property_readonly("_running", &Client::isOpen)
		.def("_take", takeOf)
		.def("next", nextOf, py::arg("timeout") = 5.0,
		     "Wait for the next frame for at most 'timeout' seconds. If several threads\n"
		     "wait, each frame goes to one of them.")
		.def("next_async", nextAsync, py::arg("timeout") = 5.0,
		     "Await the next frame in an event loop of asyncio, for at most 'timeout'\n"
		     "seconds. A cancellation takes no frame away. 'async for frame in client'\n"
		     "does the same for each frame.")
		.def(
			"fileno", [](const Client &client) { return valueOf(client.get()->fd()); },
			"Get a file descriptor for select and event loops. It is readable while a\n"
			"message of the server or an error waits: then call next(0), which raises\n"
			"TimeoutError if the message is not a frame. The program must not read or\n"
			"close it.")
		.def("close", closeClient,
		     "End the client. Frames that the program holds keep their pixels. A next()\n"
		     "that waits in another thread raises ValueError.")
		.def_property_readonly(
			"credits", [](const Client &client) { return client.get()->credits(); },
			"Largest number of frames that the program may hold at the same time.")
		.def_property_readonly(
			"missed", [](const Client &client) { return client.get()->missed(); },
			"Number of frames that the server did not send to this client, because\n"
			"the client had no credit left or the server had no buffer to lend.");
}
