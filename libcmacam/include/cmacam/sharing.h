/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * \file
 * Shares frames with other processes: a server sends dma-bufs over a Unix socket.
 *
 * No pixel is copied. The server sends the file descriptors of a buffer to a reader
 * once. After that, the server lends a frame with a message of a few bytes, and the
 * reader returns the frame with another short message. The number of credits of a
 * reader is the largest number of frames that the reader may hold. A reader that is
 * slow, stopped or dead misses frames, but cannot stall the camera, because of
 * three rules:
 *
 * - The server sends no frame to a reader that has no credit left.
 * - The server always keeps a number of buffers that it does not lend
 *   (ShareOptions::reserve).
 * - The server takes back the frames of a reader when the reader's process ends, or
 *   when the reader holds frames and has missed too many frames in a row
 *   (ShareOptions::patience).
 *
 * Readers share the buffers that may be lent. If all of these are lent, nobody gets a
 * frame until a reader returns one. So while others wait, a reader that keeps frames is
 * left out afterwards for as many frames as it has kept the others waiting. With at
 * least as many buffers to lend as the readers have credits together, no reader ever
 * waits for another one.
 *
 * With each frame, readers get its number, time and exposure (Frame::info()). Server and
 * readers must use the same version of the protocol; otherwise FrameClient::connect()
 * fails with EPROTO.
 *
 * Readers get read-only dma-bufs: no reader can write to the buffers, and no device can
 * on its behalf (ShareOptions::writable). A reader that was disconnected, or that has
 * given a frame back, can still read the memory, and sees frames half written. The
 * server accepts no file descriptor from a reader. Before Linux 6.16, the kernel closes
 * such a file descriptor in the server. If that takes long, the server meanwhile hears
 * no other reader, but publish() does not wait.
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
	/**
	 * Number of buffers that the server does not lend. The default 3 leaves two buffers
	 * to the camera and one buffer to the server.
	 */
	unsigned int reserve = 3;
	unsigned int credits = 2; /**< largest number of frames that a reader may hold */
	/** Number of frames in a row that a reader may miss while it holds frames; 0: no limit. */
	unsigned int patience = 120;
	unsigned int readers = 16;    /**< largest number of readers at the same time */
	mode_t mode = 0600;	      /**< permissions of the socket, which control who connects */
	Stream stream = Stream::Main; /**< which stream of each frame to share */
	/**
	 * Whether readers get the dma-bufs of the camera. Whoever has these can write to the
	 * buffers. By default, readers get read-only dma-bufs, which only vb2-cma can make. A
	 * GPU cannot import those.
	 */
	bool writable = false;
	/**
	 * A function that gets one sentence about each reader that connects or disconnects,
	 * and about what the server lacks: file descriptors, or buffers for that number of
	 * readers. A thread of the server calls this function, without a lock. The function may
	 * call any function of the server but close(), and must not destroy the server. The
	 * function may be empty.
	 */
	std::function<void(const std::string &)> log = {};
};

/** The state of a connected reader. */
struct Reader
{
	pid_t pid;	      /**< process id of the reader */
	unsigned int credits; /**< largest number of frames that the reader may hold */
	unsigned int held;    /**< number of frames that the reader holds */
	std::uint64_t missed; /**< number of frames that the server could not send to the reader */
};

/** A server that lends frames to its connected readers. */
class FrameServer
{
public:
	/**
	 * Listen for readers.
	 *
	 * If a killed server has left its socket at ShareOptions::path, the new socket
	 * replaces the old socket. The server does not replace any other file. When the
	 * server ends, it removes its socket.
	 *
	 * \param[in] options How to share frames
	 *
	 * \return The server; EADDRINUSE if another server listens at the path; EEXIST if
	 * the path is a file, a folder or a symbolic link; EBUSY if there is an old socket
	 * at the path and another program keeps the folder locked; EINVAL if the numbers in
	 * \a options do not let any reader hold a frame; else the errno of a system call
	 * for the socket
	 */
	static Result<FrameServer> listen(const ShareOptions &options);

	/**
	 * Take over the server of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 */
	FrameServer(FrameServer &&other) noexcept;

	/**
	 * End the server of this object and take over the server of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
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
	 * \return The number of readers that got the frame; EINVAL if the buffer index of
	 * \a frame is not below ShareOptions::buffers, or if an earlier frame had another
	 * buffer with the same index; EOPNOTSUPP if the buffer cannot be read-only and
	 * ShareOptions::writable is not set; the errors of Frame::layout(); EPERM after
	 * close(). If the process has no file descriptor left for readers that do not know
	 * the buffer yet, these readers miss the frame, and the log says so
	 */
	Result<unsigned int> publish(const Frame &frame);

	/** \return The connected readers */
	std::vector<Reader> readers() const;

	/**
	 * Disconnect all readers and take their frames back. publish() returns EPERM
	 * from now on.
	 *
	 * \param[in] reason The reason that the error texts of the readers name, such as
	 * "the camera was unplugged"
	 */
	void close(const std::string &reason);

private:
	class Impl;

	explicit FrameServer(std::unique_ptr<Impl> impl);

	std::unique_ptr<Impl> impl_;
};

/**
 * A client that gets the frames of a FrameServer.
 *
 * Any thread may call any function, and may give frames back. If several threads call
 * next() at the same time, each frame goes to one of them. Frames may outlive the
 * client.
 */
class FrameClient
{
public:
	/**
	 * Connect to a server.
	 *
	 * \param[in] path Path of the server's socket
	 * \param[in] credits Number of frames that the program wants to hold at once. The
	 * server may grant fewer credits. With one credit, next() returns the first frame
	 * that the camera makes after the program has given the previous frame back
	 * \param[in] timeout How long to wait for the server's answer
	 *
	 * \return The client; the errno of connect(); EPROTO if the server speaks another
	 * version of the protocol; EUSERS if the server already has its largest number of
	 * readers; ETIMEDOUT if the server does not answer within \a timeout
	 */
	static Result<FrameClient>
	connect(const std::string &path, unsigned int credits = 2,
		std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * Take over the client of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 */
	FrameClient(FrameClient &&other) noexcept;

	/**
	 * End the client of this object and take over the client of another object.
	 *
	 * \param[in] other The other object. Afterwards \a other can only be destroyed or
	 * assigned to
	 *
	 * \return This client
	 */
	FrameClient &operator=(FrameClient &&other) noexcept;

	/**
	 * End the client. The connection to the server ends when the last frame of this
	 * client is released.
	 */
	~FrameClient();

	/**
	 * Wait for the next frame. Frames come in the order of FrameServer::publish().
	 *
	 * \param[in] timeout How long to wait
	 *
	 * \return The frame; ETIMEDOUT if no frame came within \a timeout; EBUSY if no
	 * frame came because the program already holds credits() frames (the text names the
	 * holders of the frames); ECONNRESET if the server ended or disconnected this
	 * reader (the text names the reason); EPROTO if the server breaks the protocol;
	 * EPERM after close(); EMFILE if this process has no file descriptor left for a
	 * buffer; the errors of
	 * FrameMapping::map(). After EMFILE or an error of FrameMapping::map(), the client has
	 * lost a buffer, and every call fails: connect again
	 */
	Result<Frame> next(std::chrono::milliseconds timeout = std::chrono::seconds(5));

	/**
	 * End the client. A next() that waits in another thread returns EPERM, and so does
	 * each later call. The connection ends when the last frame of this client is
	 * released.
	 */
	void close();

	/**
	 * Get a file descriptor for an event loop.
	 *
	 * The file descriptor is readable while a message of the server waits, or after the
	 * end of the server or of the client. So a program calls next() with a timeout of 0
	 * each time. A message is not always a frame: then next() returns ETIMEDOUT.
	 *
	 * \return The file descriptor, which the program must not read, write or close. It
	 * stays open until the client and its last frame were destroyed. EMFILE if the
	 * process has no file descriptor left
	 */
	Result<int> fd();

	/** \return The largest number of frames that the program may hold at once */
	unsigned int credits() const;

	/**
	 * \return The number of frames that the server did not send to this reader, because
	 * the reader had no credit left or the server had no buffer to lend
	 */
	std::uint64_t missed() const;

	/** \return All leases on the client's frames, the oldest lease first */
	std::vector<Holder> holders() const;

private:
	class Session;

	explicit FrameClient(std::shared_ptr<Session> session);

	std::shared_ptr<Session> session_;
};

} /* namespace cmacam */
