/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames for other processes: dma-bufs over a Unix socket, with credits.
 *
 * No pixel is copied. Each buffer's file descriptors are sent to a reader once;
 * after that a frame is a message of a few bytes, and so is its return. A reader
 * may hold as many frames as it has credits; one that is slow, stopped or dead
 * misses frames and cannot stall the camera:
 *
 * - It is sent nothing while it has no credit left.
 * - Of all buffers, some are never lent to anybody (ShareOptions::reserve).
 * - When its process ends, or it has missed too many frames in a row while it
 *   held some (ShareOptions::patience), what it held is taken back.
 *
 * Readers get the buffers themselves: they are trusted not to write into them,
 * and to stop reading a frame when they have given it back or were let go.
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

/** How frames are shared. */
struct ShareOptions
{
	std::string path;	  /**< of the socket, which is made */
	unsigned int buffers = 0; /**< of the camera: Camera::buffers() */
	/** Of these, how many are never lent: two for the camera, one in the server's hand. */
	unsigned int reserve = 3;
	unsigned int credits = 2;     /**< most frames that a reader may hold */
	unsigned int patience = 120;  /**< frames in a row that a holder may miss; 0: any */
	unsigned int readers = 16;    /**< most readers at once */
	mode_t mode = 0600;	      /**< of the socket: who may connect */
	Stream stream = Stream::Main; /**< which picture of each frame */
	/** Told of each reader that comes or goes, from threads of the server; may be empty. */
	std::function<void(const std::string &)> log = {};
};

/** What is known of a reader. */
struct Reader
{
	pid_t pid;
	unsigned int credits; /**< most frames that it may hold */
	unsigned int held;    /**< frames that it holds */
	std::uint64_t missed; /**< frames that it could not be sent */
};

/** Lends frames to the readers that are connected. */
class FrameServer
{
public:
	/**
	 * Listen for readers.
	 *
	 * The socket that a killed server left at ShareOptions::path is replaced;
	 * nothing else is. The path is removed when the server ends, if its socket
	 * is still there.
	 *
	 * \return EADDRINUSE if another server is there; EEXIST if anything else is:
	 * a file, a folder, a symbolic link; EBUSY if a socket was left there and
	 * another program keeps the folder locked; EINVAL if \a options leave no
	 * buffer to lend; else the errno of the socket's calls
	 */
	static Result<FrameServer> listen(const ShareOptions &options);

	FrameServer(FrameServer &&) noexcept;
	FrameServer &operator=(FrameServer &&) noexcept;

	/** Lets all readers go; what they held goes back. */
	~FrameServer();

	/**
	 * Lend \a frame to every reader that has a credit. Never waits.
	 *
	 * All frames must be of one camera. The lease of the caller stays his.
	 *
	 * \return How many readers got it; EINVAL if the index of its buffer is
	 * beyond ShareOptions::buffers or belonged to another buffer before; the
	 * errors of Frame::layout(); EPERM after close()
	 */
	Result<unsigned int> publish(const Frame &frame);

	/** Those who are connected and were welcomed. */
	std::vector<Reader> readers() const;

	/**
	 * Let all readers go and tell them why: "the camera was unplugged". What they
	 * held goes back; publish() returns EPERM from now on.
	 */
	void close(const std::string &reason);

private:
	class Impl;

	explicit FrameServer(std::unique_ptr<Impl> impl);

	std::unique_ptr<Impl> impl_;
};

/**
 * Reads the frames of a FrameServer. next() is for one thread at a time; frames
 * may be given back from any, and may outlive the client.
 */
class FrameClient
{
public:
	/**
	 * Connect to the server at \a path.
	 *
	 * \param[in] credits Frames wanted at once; the server may grant fewer. With
	 * one, each frame is the first that was made after the last was given back
	 * \param[in] timeout For the server's answer
	 *
	 * \return The errno of connect(); EPROTO if the server speaks another
	 * version; EUSERS if it has no room; ETIMEDOUT if it does not answer
	 */
	static Result<FrameClient>
	connect(const std::string &path, unsigned int credits = 2,
		std::chrono::milliseconds timeout = std::chrono::seconds(5));

	FrameClient(FrameClient &&) noexcept;
	FrameClient &operator=(FrameClient &&) noexcept;
	~FrameClient();

	/**
	 * The next frame, in the order of the server.
	 *
	 * \return ETIMEDOUT if there was none within \a timeout; EBUSY if there was
	 * none because all credits are held, with the names of those who hold them;
	 * ECONNRESET if the server has gone or has let go of this reader, with its
	 * reason; EPROTO if it sends nonsense; the errors of FrameMapping::map()
	 */
	Result<Frame> next(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/** Frames that may be held at once. */
	unsigned int credits() const;

	/** Frames that were not sent, for want of a credit or of a buffer to lend. */
	std::uint64_t missed() const;

	/** Who holds which buffer, oldest lease first. */
	std::vector<Holder> holders() const;

private:
	class Session;

	explicit FrameClient(std::shared_ptr<Session> session);

	std::shared_ptr<Session> session_;
};

} /* namespace cmacam */
