/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Packets with file descriptors over Unix sockets.
 */

#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include <cmacam/dma_buf.h>
#include <cmacam/frame_layout.h>
#include <cmacam/result.h>

#include "socket_path.h"

namespace cmacam {

/** A received packet, with its file descriptors. */
struct Packet
{
	std::size_t size = 0; /**< number of bytes; 0: the peer has closed the connection */
	std::array<UniqueFd, kMaxPlanes> descriptors;
	std::size_t descriptorCount = 0;
};

/** A listening socket and its path. The destructor removes the path before it closes the socket. */
struct ListeningSocket
{
	UniqueFd fd;
	SocketPath path;
};

/**
 * Listen at a path.
 *
 * Since Linux 6.16, the kernel does not let the peers of the socket send file
 * descriptors: sendmsg() fails with EPERM there.
 *
 * \return A socket that listens; the errors of FrameServer::listen()
 */
Result<ListeningSocket> listenAt(const std::string &path, mode_t mode);

/** \return A socket that is connected; the errno of connect() */
Result<UniqueFd> connectTo(const std::string &path);

/**
 * Send a packet without waiting.
 *
 * \return EAGAIN if the socket has no room; else the errno of sendmsg()
 */
Result<void> sendPacket(int socket, std::span<const std::byte> bytes,
			std::span<const int> descriptors = {});

/**
 * Receive a packet without waiting.
 *
 * \return The packet; EAGAIN if no packet has arrived; EMSGSIZE if the packet is
 * longer than \a bytes or has too many file descriptors; EMFILE if this process
 * could not open the packet's file descriptors; else the errno of recvmsg()
 */
Result<Packet> receivePacket(int socket, std::span<std::byte> bytes);

/**
 * Receive the bytes of a packet without waiting, and no file descriptor.
 *
 * If the packet has file descriptors, the kernel closes them in this call, which may
 * wait for the file system or the network behind them. No lock may be held.
 *
 * \return The number of bytes; 0: the peer has closed the connection; EAGAIN if no
 * packet has arrived; EMSGSIZE if the packet is longer than \a bytes; EBADMSG if the
 * packet had file descriptors; else the errno of recvmsg()
 */
Result<std::size_t> receiveBytes(int socket, std::span<std::byte> bytes);

} /* namespace cmacam */
