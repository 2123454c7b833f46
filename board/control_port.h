/* SPDX-License-Identifier: MIT */
/*
 * The control port: a Unix socket for commands to a running board, one per line.
 *
 *	set KEY VALUE		-> ok
 *	get KEY			-> ok VALUE
 *	fault KIND [COUNT [CHANNEL]]	-> ok
 *
 * The answer to a command that fails is `error` and one sentence. QEMU connects
 * to the port for the guest. Other clients may be connected at the same time.
 */
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <thread>

#include "engine/engine.h"
#include "unique_fd.h"
#include "unix_socket.h"

namespace cmacam::board {

class ControlPort
{
public:
	/*
	 * Listens at `path` and serves clients in a separate thread. Throws the exceptions
	 * of UnixListener, and std::system_error if eventfd() fails.
	 */
	ControlPort(const std::string &path, Engine &engine);
	~ControlPort();

	/* Executes one command. Returns the answer; neither string has a line end. */
	static std::string execute(Engine &engine, std::string_view command);

private:
	struct Client
	{
		UniqueFd fd;
		std::string input; /* an incomplete line */
	};

	void run();
	bool serve(Client &client);

	Engine &engine_;
	UnixListener listener_;
	UniqueFd stop_;
	std::list<Client> clients_;
	std::thread thread_;
};

} /* namespace cmacam::board */
