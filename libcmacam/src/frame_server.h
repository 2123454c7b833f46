/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a FrameServer is made of.
 */

#pragma once

#include <list>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include <cmacam/sharing.h>

#include "packet_socket.h"
#include "share_protocol.h"

namespace cmacam {

/*
 * publish() runs in the thread of the camera and sends; a thread of its own
 * listens, hears what readers say and closes their sockets. Only that thread
 * removes a reader, so that no descriptor is closed under a poll().
 *
 * Frames are let go of without the lock: giving one back calls into its camera.
 */
class FrameServer::Impl
{
public:
	Impl(const ShareOptions &options, ListeningSocket socket, UniqueFd event)
		: options_(options),
		  socket_(std::move(socket)),
		  event_(std::move(event)),
		  inodes_(options.buffers, 0),
		  thread_([this](const std::stop_token &stop) { listen(stop); })
	{
	}
	~Impl();

	Result<unsigned int> publish(const cmacam::Frame &frame);
	std::vector<Reader> readers() const;
	void letAllGo(const std::string &reason);

private:
	struct Loan
	{
		cmacam::Frame frame;
		std::uint32_t serial;
	};

	struct Client
	{
		UniqueFd socket;
		pid_t pid = 0;
		unsigned int credits = 0; /* 0: it did not say hello yet */
		std::uint32_t serial = 0;
		std::uint64_t missed = 0;
		unsigned int missedInARow = 0;
		std::vector<bool> knows; /* buffers */
		std::vector<Loan> loans;
		bool gone = false;
	};

	using Freed = std::vector<Loan>;

	void listen(const std::stop_token &stop);
	void accept();
	void hear(Client *client, Freed *freed);
	void hello(Client *client, const share::Hello &hello);
	void takeBack(Client *client, const share::Return &back, Freed *freed);

	bool mayLend(unsigned int buffer);
	Result<void> lend(Client *client, const cmacam::Frame &frame, const FrameLayout &layout);
	Result<void> announce(Client *client, unsigned int buffer, const FrameLayout &layout);
	void miss(Client *client, Freed *freed);
	void letGo(Client *client, int code, const std::string &reason, Freed *freed);
	void log(const Client &client, const std::string &what) const;

	const ShareOptions options_;
	ListeningSocket socket_;
	UniqueFd event_;
	mutable std::mutex mutex_;
	std::vector<ino_t> inodes_; /* of the buffers that were published */
	std::list<Client> clients_;
	std::vector<bool> lent_; /* of mayLend(), kept for its memory */
	std::jthread thread_;	 /* last: it uses all of the above */
};

} /* namespace cmacam */
