/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The messages between a FrameServer and its readers.
 *
 * Each packet of the SOCK_SEQPACKET socket has one message, in the machine's byte
 * order. All versions of the protocol have the same header. So a server can send a
 * Farewell to a reader that uses another version. Every change of a message, also of its
 * size, is another version. Since version 2, Frame has the exposure of the frame.
 *
 *   reader                         server
 *   Hello (credits)           ->
 *                             <-   Welcome (credits), or Farewell (reason)
 *                             <-   Buffer (layout, descriptors), once per buffer
 *                             <-   Frame (buffer, serial): uses one credit
 *   Return (buffer, serial)   ->   gives the credit back
 *                             <-   Farewell (reason), then the end
 */

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include <cmacam/frame.h>
#include <cmacam/frame_layout.h>

namespace cmacam::share {

inline constexpr std::uint32_t kMagic = 0x48534d43; /* CMSH */
inline constexpr std::uint16_t kVersion = 2;

enum class Type : std::uint16_t {
	Hello = 1,
	Welcome = 2,
	Farewell = 3,
	Buffer = 4,
	Frame = 5,
	Return = 6,
};

struct Header
{
	std::uint32_t magic;
	std::uint16_t version;
	Type type;
};

struct Hello
{
	Header header{kMagic, kVersion, Type::Hello};
	std::uint32_t credits;
};

struct Welcome
{
	Header header{kMagic, kVersion, Type::Welcome};
	std::uint32_t credits;
	std::uint32_t buffers;
};

struct Farewell
{
	Header header{kMagic, kVersion, Type::Farewell};
	std::int32_t code; /* errno value */
	char text[180];	   /* text that ends with a zero byte */
};

struct Plane
{
	std::uint64_t offset;
	std::uint64_t length;
	std::uint32_t stride;
	std::uint32_t descriptor; /* index among the file descriptors of the message */
};

struct Buffer
{
	Header header{kMagic, kVersion, Type::Buffer};
	std::uint32_t buffer;
	std::uint32_t format; /* fourcc of DRM */
	std::uint32_t width;
	std::uint32_t height;
	std::uint32_t planeCount;
	std::uint32_t reserved = 0;
	Plane planes[kMaxPlanes];
};

struct Frame
{
	Header header{kMagic, kVersion, Type::Frame};
	std::uint32_t buffer;
	std::uint32_t serial; /* number of the loan, which the reader sends in Return */
	std::uint64_t missed; /* number of frames that the server did not send to the reader */

	/* FrameInfo */
	std::uint32_t sequence;
	std::uint32_t lost;
	std::int64_t timestamp;
	std::int64_t wallClock;
	std::int64_t exposure; /* microseconds */
	std::int64_t duration; /* microseconds */
	double analogueGain;
	double digitalGain;
	std::uint32_t aeState;
	std::int32_t bracket;

	/* Take over what is known of a frame. */
	void setInfo(const FrameInfo &info)
	{
		sequence = info.sequence;
		lost = info.lost;
		timestamp = info.timestamp;
		wallClock = info.wallClock;
		exposure = info.exposure.count();
		duration = info.duration.count();
		analogueGain = info.analogueGain;
		digitalGain = info.digitalGain;
		aeState = static_cast<std::uint32_t>(info.aeState);
		bracket = info.bracket;
	}

	/* Get what is known of a frame. A state that does not exist becomes AeState::Idle. */
	FrameInfo info() const
	{
		const bool known = aeState <= static_cast<std::uint32_t>(AeState::Converged);

		return {.sequence = sequence,
			.timestamp = timestamp,
			.lost = lost,
			.aeState = known ? static_cast<AeState>(aeState) : AeState::Idle,
			.wallClock = wallClock,
			.exposure = std::chrono::microseconds(exposure),
			.duration = std::chrono::microseconds(duration),
			.analogueGain = analogueGain,
			.digitalGain = digitalGain,
			.bracket = bracket};
	}
};

struct Return
{
	Header header{kMagic, kVersion, Type::Return};
	std::uint32_t buffer;
	std::uint32_t serial;
};

union Any {
	Header header;
	Hello hello;
	Welcome welcome;
	Farewell farewell;
	Buffer buffer;
	Frame frame;
	Return back;

	Any() : header{} {}
};

/** Get the bytes of a message, as sendPacket() expects them. */
template <typename Message>
std::span<const std::byte> bytesOf(const Message &message)
{
	return std::as_bytes(std::span(&message, 1));
}

} /* namespace cmacam::share */
