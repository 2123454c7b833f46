/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The Python module: frames of other processes, and for them.
 */

#include "bindings.h"

#include <cmacam/sharing.h>

namespace {

using cmacam::Frame;
using cmacam::FrameClient;
using cmacam::FrameServer;

/* Something that close() ends. */
template <typename T>
class Closable
{
public:
	explicit Closable(T value) : value_(std::move(value)) {}

	T &operator*()
	{
		if (!value_)
			throw py::value_error("this object was closed");
		return *value_;
	}

	T *operator->() { return &**this; }

	void close()
	{
		py::gil_scoped_release unlocked;
		value_.reset();
	}

private:
	std::optional<T> value_;
};

using Server = Closable<FrameServer>;
using Client = Closable<FrameClient>;

std::unique_ptr<Server> serve(const std::string &path, unsigned int buffers, unsigned int reserve,
			      unsigned int credits, unsigned int patience, unsigned int mode,
			      bool writable)
{
	cmacam::ShareOptions options;
	options.path = path;
	options.buffers = buffers;
	options.reserve = reserve;
	options.credits = credits;
	options.patience = patience;
	options.mode = mode;
	options.writable = writable;
	return std::make_unique<Server>(valueOf(FrameServer::listen(options)));
}

std::unique_ptr<Client> connect(const std::string &path, unsigned int credits)
{
	std::optional<cmacam::Result<FrameClient>> client;
	{
		py::gil_scoped_release unlocked;
		client.emplace(FrameClient::connect(path, credits));
	}
	return std::make_unique<Client>(valueOf(*std::move(client)));
}

unsigned int publish(Server &server, const Frame &frame)
{
	std::optional<cmacam::Result<unsigned int>> count;
	{
		py::gil_scoped_release unlocked;
		count.emplace(server->publish(frame));
	}
	return valueOf(*std::move(count));
}

py::list readers(Server &server)
{
	py::list all;
	for (const cmacam::Reader &reader : server->readers()) {
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
	if (!reason.empty()) {
		FrameServer &open = *server;
		py::gil_scoped_release unlocked;
		open.close(reason);
	}
	server.close();
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
		.def("__exit__", [](Server &server, const py::args &) { server.close(); })
		.def("publish", publish, py::arg("frame"),
		     "Lend a frame to each reader that has a credit left. Returns the number of\n"
		     "readers that got the frame.")
		.def("close", closeServer, py::arg("reason") = "",
		     "Disconnect all readers. If reason is not empty, the readers' errors name it.")
		.def_property_readonly("readers", readers,
				       "Connected readers, each with pid, credits, held, missed.");

	py::class_<Client>(module, "FrameClient",
			   "A client that gets the frames of a FrameServer. A 'for' loop over\n"
			   "the client gets the frames.")
		.def(py::init(&connect), py::arg("path"), py::kw_only(), py::arg("credits") = 2,
		     "Connect to a server.\n\n"
		     "- path: path of the server's socket.\n"
		     "- credits: number of frames to hold at once. The server may grant fewer.")
		.def("__enter__", [](py::object self) { return self; })
		.def("__exit__", [](Client &client, const py::args &) { client.close(); })
		.def("__iter__", [](py::object self) { return self; })
		.def("__next__", [](Client &client) { return nextFrame(*client, 5); })
		.def(
			"next",
			[](Client &client, double timeout) { return nextFrame(*client, timeout); },
			py::arg("timeout") = 5.0,
			"Wait for the next frame for at most 'timeout' seconds.")
		.def("close", &Client::close,
		     "End the client. Frames that the program holds keep their pixels.")
		.def_property_readonly(
			"credits", [](Client &client) { return client->credits(); },
			"Largest number of frames that the program may hold at the same time.")
		.def_property_readonly(
			"missed", [](Client &client) { return client->missed(); },
			"Number of frames that the server did not send to this client, because\n"
			"the client had no credit left or the server had no buffer to lend.");
}
