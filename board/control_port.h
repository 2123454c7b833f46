/* SPDX-License-Identifier: MIT */
/*
 * The control port: commands for a running board, one line each.
 *
 *	set KEY VALUE		-> ok
 *	get KEY			-> ok VALUE
 *	fault KIND [COUNT [CHANNEL]]	-> ok
 *
 * What cannot be done is answered by `error` and one sentence. QEMU connects
 * to it for the guest, and other clients may at the same time.
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
	/* Listens when it returns; throws as UnixListener does. */
	ControlPort(const std::string &path, Engine &engine);
	~ControlPort();

	/* The answer to one command, without line ends. */
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
