/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lends frames to readers in other processes: what they say, and their end.
 */

#include "frame_server.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace cmacam {

namespace {

/* Connections that have not said hello yet. */
constexpr std::ptrdiff_t kSilent = 8;

pid_t peerOf(int socket)
{
	ucred credentials{};
	socklen_t size = sizeof(credentials);
	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return 0;
	return credentials.pid;
}

} /* namespace */

void FrameServer::Impl::log(const Client &client, const std::string &what) const
{
	if (options_.log)
		options_.log("reader " + std::to_string(client.pid) + " " + what);
}

void FrameServer::Impl::listen(const std::stop_token &stop)
{
	std::vector<pollfd> polled;
	std::vector<Client *> order;

	while (!stop.stop_requested()) {
		Freed freed;
		{
			std::lock_guard lock(mutex_);
			clients_.remove_if([](const Client &client) { return client.gone; });

			polled = {{event_.get(), POLLIN, 0}, {socket_.fd.get(), POLLIN, 0}};
			order.clear();
			for (Client &client : clients_) {
				polled.push_back({client.socket.get(), POLLIN, 0});
				order.push_back(&client);
			}
		}

		if (poll(polled.data(), polled.size(), -1) < 0)
			continue;

		std::lock_guard lock(mutex_);
		if (polled[1].revents)
			accept();
		for (std::size_t i = 0; i < order.size(); i++) {
			if (polled[i + 2].revents)
				hear(order[i], &freed);
		}
	}
}

void FrameServer::Impl::accept()
{
	Client client;
	client.socket =
		UniqueFd(accept4(socket_.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
	if (!client.socket.isValid())
		return;
	client.pid = peerOf(client.socket.get());

	/* Who does not say hello must not pile up. */
	const auto silent = [](const Client &one) { return !one.gone && !one.credits; };
	if (std::ranges::count_if(clients_, silent) >= kSilent) {
		Freed none;
		letGo(&*std::ranges::find_if(clients_, silent), ETIMEDOUT,
		      "others came and it had not said hello", &none);
	}
	clients_.push_back(std::move(client));
}

/* All that the client has said; a client that has gone says an empty packet. */
void FrameServer::Impl::hear(Client *client, Freed *freed)
{
	while (!client->gone) {
		share::Any message;
		const Result<Packet> packet = receivePacket(
			client->socket.get(), std::as_writable_bytes(std::span(&message, 1)));
		if (!packet && packet.error().code == EAGAIN)
			return;
		if (!packet && packet.error().code == EMSGSIZE) {
			letGo(client, EPROTO, packet.error().what, freed);
			return;
		}
		if (!packet || packet->size == 0) {
			letGo(client, 0, "", freed);
			return;
		}

		const share::Header &header = message.header;
		if (packet->size < sizeof(header) || header.magic != share::kMagic) {
			letGo(client, EPROTO, "what it said is no message", freed);
		} else if (header.version != share::kVersion) {
			letGo(client, EPROTO,
			      "the server speaks version " + std::to_string(share::kVersion) +
				      ", the reader " + std::to_string(header.version),
			      freed);
		} else if (!client->credits && header.type == share::Type::Hello &&
			   packet->size == sizeof(share::Hello)) {
			hello(client, message.hello);
		} else if (client->credits && header.type == share::Type::Return &&
			   packet->size == sizeof(share::Return)) {
			takeBack(client, message.back, freed);
		} else {
			letGo(client, EPROTO,
			      "a message of type " +
				      std::to_string(static_cast<unsigned int>(header.type)) +
				      " with " + std::to_string(packet->size) +
				      " bytes does not belong here",
			      freed);
		}
	}
}

void FrameServer::Impl::hello(Client *client, const share::Hello &hello)
{
	Freed none;
	if (std::ranges::count_if(clients_, [](const Client &one) {
		    return !one.gone && one.credits;
	    }) >= options_.readers) {
		letGo(client, EUSERS,
		      "there are " + std::to_string(options_.readers) +
			      " readers, which is all there may be",
		      &none);
		return;
	}

	client->credits = std::clamp(hello.credits, 1U, options_.credits);
	client->knows.resize(options_.buffers);

	share::Welcome welcome;
	welcome.credits = client->credits;
	welcome.buffers = options_.buffers;
	if (Result<void> sent = sendPacket(client->socket.get(), share::bytesOf(welcome)); !sent)
		letGo(client, sent.error().code, sent.error().what, &none);
	else
		log(*client, "has come, with " + std::to_string(client->credits) + " credits");
}

void FrameServer::Impl::takeBack(Client *client, const share::Return &back, Freed *freed)
{
	const auto loan = std::ranges::find_if(client->loans, [&](const Loan &one) {
		return one.frame.buffer() == back.buffer && one.serial == back.serial;
	});
	if (loan == client->loans.end()) {
		letGo(client, EPROTO,
		      "it returned buffer " + std::to_string(back.buffer) +
			      ", which it does not hold",
		      freed);
		return;
	}

	freed->push_back(std::move(*loan));
	client->loans.erase(loan);
}

/* A reader's end, for a reason or, with 0, because it has gone by itself. */
void FrameServer::Impl::letGo(Client *client, int code, const std::string &reason, Freed *freed)
{
	if (client->gone)
		return;

	if (code) {
		share::Farewell farewell;
		farewell.code = code;
		std::memset(farewell.text, 0, sizeof(farewell.text));
		reason.copy(farewell.text, sizeof(farewell.text) - 1);
		/* If there is no room for it, the end of the connection has to do. */
		static_cast<void>(sendPacket(client->socket.get(), share::bytesOf(farewell)));
	}
	log(*client, code ? "was let go: " + reason : "has gone");

	client->gone = true;
	std::ranges::move(client->loans, std::back_inserter(*freed));
	client->loans.clear();
	shutdown(client->socket.get(), SHUT_RDWR);

	/* What is closed with something left to hear resets the other's side, farewell and all. */
	share::Any rest;
	Result<Packet> packet = Packet();
	do {
		packet = receivePacket(client->socket.get(),
				       std::as_writable_bytes(std::span(&rest, 1)));
	} while (packet ? packet->size > 0 : packet.error().code == EMSGSIZE);
}

} /* namespace cmacam */
