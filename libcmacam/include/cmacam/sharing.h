/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Frames for other processes: dma-bufs over a Unix socket, with credits.
 *
 * No pixel is copied. The server sends the file descriptors of a buffer to a reader
 * once. After that, the server lends a frame with a message of a few bytes, and the
 * reader returns the frame with another one. A reader may hold as many frames as it
 * has credits. A reader that is slow, stopped or dead misses frames and cannot stall
 * the camera:
 *
 * - The server sends no frame to a reader that has no credit left.
 * - The server always keeps a number of buffers that it does not lend
 *   (ShareOptions::reserve).
 * - The server takes the frames of a reader back when its process ends, or when it
 *   holds frames and has missed too many in a row (ShareOptions::patience).
 *
 * Readers get the buffers themselves. The server trusts the readers not to write
 * into the buffers. It also trusts them not to read a frame after they have given
 * the frame back or were disconnected.
 */

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include <cmacam/frame.h>
#include <cmacam/lease.h>
#include <cmacam/result.h>

namespace cmacam {

/** How a FrameServer shares frames. */
struct ShareOptions
{
	std::string path;	  /**< path of the socket, which listen() makes */
	unsigned int buffers = 0; /**< number of the camera's buffers: Camera::buffers() */
	/** Number of buffers that are not lent: two for the camera, one for the server. */
	unsigned int reserve = 3;
	unsigned int credits = 2; /**< largest number of frames that a reader may hold */
	/** Number of frames in a row that a reader with frames may miss; 0: no limit. */
	unsigned int patience = 120;
	unsigned int readers = 16;    /**< largest number of readers at once */
	mode_t mode = 0600;	      /**< permissions of the socket: who may connect */
	Stream stream = Stream::Main; /**< which picture of each frame to share */
	/**
	 * A function that gets one sentence about each reader that connects or
	 * disconnects. Threads of the server call it. May be empty.
	 */
	std::function<void(const std::string &)> log = {};
};

/** A reader, as its server sees it. */
struct Reader
{
	pid_t pid;	      /**< id of its process */
	unsigned int credits; /**< largest number of frames that it may hold */
	unsigned int held;    /**< number of frames that it holds */
	std::uint64_t missed; /**< number of frames that the server could not send to it */
};

/** Lends frames to the readers that are connected. */
class FrameServer
{
public:
	/**
	 * Listen for readers.
	 *
	 * If a killed server has left its socket at ShareOptions::path, the new socket
	 * replaces it. The server does not replace any other file. It removes its socket
	 * when it ends.
	 *
	 * \param[in] options How to share frames
	 *
	 * \return The server; EADDRINUSE if another server listens at the path; EEXIST
	 * if the path is a file, a folder or a symbolic link; EBUSY if there is an old
	 * socket and another program keeps the folder locked; EINVAL if \a options allow
	 * no frame for any reader; else the errno of the socket's calls
	 */
	static Result<FrameServer> listen(const ShareOptions &options);

	/**
	 * Take a server over.
	 *
	 * \param[in] other The server, which can only be destroyed or assigned to
	 * afterwards
	 */
	FrameServer(FrameServer &&other) noexcept;

	/**
	 * End this server and take another one over.
	 *
	 * \param[in] other The server, which can only be destroyed or assigned to
	 * afterwards
	 *
	 * \return This server
	 */
	FrameServer &operator=(FrameServer &&other) noexcept;

	/** Disconnect all readers and take their frames back. */
	~FrameServer();

	/**
	 * Lend a frame to each reader that has a credit left. This function never waits.
	 *
	 * All frames must come from one camera.
	 *
	 * \param[in] frame The frame, whose lease the caller keeps
	 *
	 * \return The number of readers that got the frame; EINVAL if the index of its
	 * buffer is not below ShareOptions::buffers, or belonged to another buffer
	 * before; the errors of Frame::layout(); EPERM after close()
	 */
	Result<unsigned int> publish(const Frame &frame);

	/** \return The connected readers */
	std::vector<Reader> readers() const;

	/**
	 * Disconnect all readers and take their frames back. publish() returns EPERM
	 * from now on.
	 *
	 * \param[in] reason The reason for the readers, such as "the camera was unplugged"
	 */
	void close(const std::string &reason);

private:
	class Impl;

	explicit FrameServer(std::unique_ptr<Impl> impl);

	std::unique_ptr<Impl> impl_;
};

/**
 * Reads the frames of a FrameServer.
 *
 * One thread at a time may call next(). Any thread may give frames back. Frames may
 * outlive the client.
 */
class FrameClient
{
public:
	/**
	 * Connect to a server.
	 *
	 * \param[in] path Path of its socket
	 * \param[in] credits Number of frames that the program wants to hold at once. The
	 * server may grant fewer. With one credit, next() returns the first frame that the
	 * camera makes after the program has given the previous frame back
	 * \param[in] timeout How long to wait for the server's answer
	 *
	 * \return The client; the errno of connect(); EPROTO if the server speaks another
	 * version of the protocol; EUSERS if it has its largest number of readers;
	 * ETIMEDOUT if it does not answer
	 */
	static Result<FrameClient>
	connect(const std::string &path, unsigned int credits = 2,
		std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * Take a client over.
	 *
	 * \param[in] other The client, which can only be destroyed or assigned to
	 * afterwards
	 */
	FrameClient(FrameClient &&other) noexcept;

	/**
	 * End this client and take another one over.
	 *
	 * \param[in] other The client, which can only be destroyed or assigned to
	 * afterwards
	 *
	 * \return This client
	 */
	FrameClient &operator=(FrameClient &&other) noexcept;

	/** End the client. The connection ends with its last frame. */
	~FrameClient();

	/**
	 * Wait for the next frame. Frames come in the order of FrameServer::publish().
	 *
	 * \param[in] timeout How long to wait
	 *
	 * \return The frame; ETIMEDOUT if there was none within \a timeout; EBUSY if
	 * there was none because the program holds as many frames as it has credits
	 * (the text names the holders); ECONNRESET if the server ended or disconnected
	 * this reader (the text names the reason); EPROTO if the server breaks the
	 * protocol; the errors of FrameMapping::map()
	 */
	Result<Frame> next(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/** \return The largest number of frames that the program may hold at once */
	unsigned int credits() const;

	/**
	 * \return The number of frames that the server did not send, because there was
	 * no credit or no buffer to lend
	 */
	std::uint64_t missed() const;

	/** \return The holder of each leased buffer, the oldest lease first */
	std::vector<Holder> holders() const;

private:
	class Session;

	explicit FrameClient(std::shared_ptr<Session> session);

	std::shared_ptr<Session> session_;
};

} /* namespace cmacam */
