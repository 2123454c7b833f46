/* SPDX-License-Identifier: MIT */
#include "transfer_calls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/cmacam.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <span>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

namespace fuzz {

namespace {

constexpr size_t kPipeBytes = 16 * kPage;
constexpr size_t kMessageBytes = kPage;
constexpr size_t kMaxSent = 3;
/* How long read() and poll() wait for a frame. */
constexpr int kFrameMs = 5;

} /* namespace */

TransferCalls::TransferCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addCall("read node", 6, &TransferCalls::readNode);
	addCall("read record", 12, &TransferCalls::readRecord);
	addCall("write node", 3, &TransferCalls::writeNode);
	addCall("poll node", 15, &TransferCalls::pollNode);
	addCall("poll new file", 4, &TransferCalls::pollAlone);
	addCall("poll dma-buf", 4, &TransferCalls::pollDmaBuf);
	addCall("pwrite mapping to file", 12, &TransferCalls::writeToFile);
	addCall("pread file to mapping", 12, &TransferCalls::readFromFile);
	addCall("process_vm_readv", 10, &TransferCalls::readMemory);
	addCall("process_vm_writev", 8, &TransferCalls::writeMemory);
	addCall("vmsplice", 12, &TransferCalls::gift);
	addCall("splice pipe to pipe", 5, &TransferCalls::spliceToPipe);
	addCall("splice pipe to file", 5, &TransferCalls::spliceToFile);
	addCall("tee", 5, &TransferCalls::duplicateInPipe);
	addCall("read pipe", 8, &TransferCalls::readPipe);
	addCall("close pipe", 4, &TransferCalls::replacePipe);
	addCall("sendmsg descriptors", 8, &TransferCalls::send);
	addCall("recvmsg descriptors", 8, &TransferCalls::receive);
}

/*
 * read() takes the queue until its file is closed, so the file is one that no other call uses. It
 * also fails while there are buffers, so in some calls they are released before.
 */
long TransferCalls::readNode(Random &random)
{
	const Kind kind = random.pick(kPictures);
	if (random.percent(50)) {
		v4l2_requestbuffers none{};
		none.type = bufferType(kind);
		none.memory = V4L2_MEMORY_MMAP;
		uint32_t type = bufferType(kind);
		const int shared = context_.descriptors.node(random, kind);
		ioctl(shared, VIDIOC_STREAMOFF, &type);
		if (ioctl(shared, VIDIOC_REQBUFS, &none) == 0)
			context_.shared.queues[indexOf(kind)].buffers = 0;
	}
	const support::Fd file = context_.descriptors.openAlone(kind);
	std::byte *const bytes = context_.scratch.data();
	const size_t size = random.below(Scratch::kBytes);
	ssize_t got = read(file, bytes, size);
	for (uint32_t left = random.below(4); left && got < 0 && errno == EAGAIN; left--) {
		pollfd wait{file, POLLIN, 0};
		poll(&wait, 1, kFrameMs);
		got = read(file, bytes, size);
	}
	return got;
}

/*
 * Most calls use a file that all processes share and that may have buffers: read() then fails.
 * The sizes are too small for a record, large enough for a record, or large enough for the
 * statistics as well.
 */
long TransferCalls::readRecord(Random &random)
{
	static constexpr size_t sizes[] = {sizeof(cmacam_frame_meta), sizeof(cmacam_frame_data)};
	const size_t size =
		random.percent(20) ? random.below(sizes[1] + 2) : sizes[random.below(2)];
	if (random.percent(80))
		return read(context_.descriptors.node(random, Kind::Metadata),
			    context_.scratch.data(), size);

	const support::Fd file = context_.descriptors.openAlone(Kind::Metadata);
	pollfd wait{file, POLLIN, 0};
	poll(&wait, 1, kFrameMs);
	return read(file, context_.scratch.data(), size);
}

long TransferCalls::writeNode(Random &random)
{
	const int fd = context_.descriptors.node(random, random.pick(kAllKinds));
	return write(fd, context_.scratch.data(), random.below(kMaxTransfer));
}

/*
 * If a node with pictures has no buffers, poll() for frames begins what read() does. So only files
 * that are closed at once ask for that.
 */
long TransferCalls::pollNode(Random &random)
{
	const Kind kind = random.pick(kAllKinds);
	const bool hasPictures = kind == Kind::Capture || kind == Kind::Lores;
	const auto events = static_cast<short>(hasPictures ? POLLPRI : POLLIN | POLLPRI | POLLOUT);
	pollfd wait{context_.descriptors.node(random, kind), events, 0};
	return poll(&wait, 1, random.percent(20) ? 1 : 0);
}

long TransferCalls::pollAlone(Random &random)
{
	const support::Fd file = context_.descriptors.openAlone(random.pick(kPictures));
	pollfd wait{file, POLLIN | POLLPRI, 0};
	return poll(&wait, 1, random.percent(20) ? kFrameMs : 0);
}

long TransferCalls::pollDmaBuf(Random &random)
{
	pollfd wait{context_.descriptors.dmaBufOrNone(random), POLLIN | POLLOUT, 0};
	return poll(&wait, 1, 0);
}

long TransferCalls::writeToFile(Random &random)
{
	const Arena::Range range = context_.arena.part(random, kMaxTransfer);
	return pwrite(context_.plumbing.file(), range.address, range.bytes,
		      random.below(kFileBytes - kMaxTransfer));
}

long TransferCalls::readFromFile(Random &random)
{
	const Arena::Range range = context_.arena.part(random, kMaxTransfer);
	return pread(context_.plumbing.file(), range.address, range.bytes,
		     random.below(kFileBytes - kMaxTransfer));
}

long TransferCalls::readMemory(Random &random)
{
	const Arena::Range range = context_.arena.part(random, kMaxTransfer);
	const iovec local{context_.scratch.data(), range.bytes};
	const iovec remote{range.address, range.bytes};
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

long TransferCalls::writeMemory(Random &random)
{
	const Arena::Range range = context_.arena.part(random, kMaxTransfer);
	const iovec local{context_.scratch.data(), range.bytes};
	const iovec remote{range.address, range.bytes};
	return process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
}

long TransferCalls::gift(Random &random)
{
	const Arena::Range range = context_.arena.part(random, kPipeBytes);
	const iovec vector{range.address, range.bytes};
	const unsigned int flags = SPLICE_F_NONBLOCK | (random.percent(20) ? SPLICE_F_GIFT : 0);
	return vmsplice(context_.plumbing.pipe(random.below(2)).in, &vector, 1, flags);
}

long TransferCalls::spliceToPipe(Random &random)
{
	const uint32_t from = random.below(2);
	return splice(context_.plumbing.pipe(from).out, nullptr,
		      context_.plumbing.pipe(1 - from).in, nullptr, random.below(kPipeBytes),
		      SPLICE_F_NONBLOCK | (random.percent(50) ? SPLICE_F_MOVE : 0));
}

long TransferCalls::spliceToFile(Random &random)
{
	off64_t offset = random.below(kFileBytes - kPipeBytes);
	return splice(context_.plumbing.pipe(random.below(2)).out, nullptr,
		      context_.plumbing.file(), &offset, random.below(kPipeBytes),
		      SPLICE_F_NONBLOCK);
}

long TransferCalls::duplicateInPipe(Random &random)
{
	const uint32_t from = random.below(2);
	return tee(context_.plumbing.pipe(from).out, context_.plumbing.pipe(1 - from).in,
		   random.below(kPipeBytes), SPLICE_F_NONBLOCK);
}

/* The bytes go into a mapping, or they are dropped. */
long TransferCalls::readPipe(Random &random)
{
	const int fd = context_.plumbing.pipe(random.below(2)).out;
	if (random.percent(30)) {
		const Arena::Range range = context_.arena.part(random, kPipeBytes);
		return read(fd, range.address, range.bytes);
	}
	return read(fd, context_.scratch.data(), kPipeBytes);
}

long TransferCalls::replacePipe(Random &random)
{
	context_.plumbing.replacePipe(random.below(2));
	return 0;
}

/* Another process, or this one, gets the descriptors. */
long TransferCalls::send(Random &random)
{
	std::array<int, kMaxSent> sent;
	for (int &fd : sent)
		fd = random.percent(70) ? context_.descriptors.dmaBufOrNone(random)
					: context_.descriptors.node(random, random.pick(kAllKinds));
	const size_t count = random.between(1, kMaxSent);

	const Arena::Range range = context_.arena.part(random, kMessageBytes);
	iovec vector{range.address, range.bytes};
	alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(sent))> control{};
	msghdr message{};
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	message.msg_control = control.data();
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), sent.data(), count * sizeof(int));
	return sendmsg(context_.plumbing.sockets()[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

long TransferCalls::receive(Random &random)
{
	const Arena::Range range = context_.arena.part(random, kMessageBytes);
	iovec vector{range.address, range.bytes};
	alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxSent * sizeof(int))> control{};
	msghdr message{};
	message.msg_iov = &vector;
	message.msg_iovlen = 1;
	message.msg_control = control.data();
	message.msg_controllen = control.size();
	const ssize_t got =
		recvmsg(context_.plumbing.sockets()[1], &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (got < 0)
		return got;
	const cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return got;
	std::array<int, kMaxSent> received;
	const size_t bytes = header->cmsg_len - CMSG_LEN(0);
	memcpy(received.data(), CMSG_DATA(header), bytes);
	for (const int fd : std::span(received).first(bytes / sizeof(int)))
		context_.descriptors.adopt(random, fd);
	return got;
}

} /* namespace fuzz */
