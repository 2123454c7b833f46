/* SPDX-License-Identifier: MIT */
/*
 * The control port: a Unix socket on which a running board accepts commands. Each line
 * is one command. These are the commands and their answers:
 *
 *	set KEY VALUE		-> ok
 *	get KEY			-> ok VALUE
 *	fault KIND [COUNT [CHANNEL]]	-> ok
 *
 * If a command fails, the answer is `error` and one sentence. QEMU connects to the port,
 * so that the guest can send commands. Other clients may be connected at the same time.
 */
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <thread>

#include "hardware.h"
#include "unique_fd.h"
#include "unix_socket.h"

namespace cmacam::board {

class ControlPort
{
public:
	/*
	 * Listens at `path` and serves clients in a separate thread. Throws the exceptions
	 * of UnixListener(). Throws std::system_error if eventfd() fails.
	 */
	ControlPort(const std::string &path, Hardware &hardware);
	~ControlPort();

	/* Executes one command and returns the answer. Neither string has a line end. */
	static std::string execute(Hardware &hardware, std::string_view command);

private:
	struct Client
	{
		UniqueFd fd;
		std::string input; /* the received part of a line */
	};

	void run();
	bool serve(Client &client);

	Hardware &hardware_;
	UnixListener listener_;
	UniqueFd stop_;
	std::list<Client> clients_;
	std::thread thread_;
};

} /* namespace cmacam::board */
