/* SPDX-License-Identifier: MIT */
/*
 * A memory file that takes the place of a dma-buf and counts the calls of
 * DMA_BUF_IOCTL_SYNC, and a device node that records VB2_CMA_IOC_SYNC and answers
 * VB2_CMA_IOC_READER.
 */

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <cmacam/dma_buf.h>
#include <linux/vb2-cma.h>

/*
 * The calls of the wrapped open() and ioctl(), and the results that they return. A test has one
 * object of this class.
 */
class FakeDmaBufs
{
public:
	FakeDmaBufs();
	~FakeDmaBufs();

	FakeDmaBufs(const FakeDmaBufs &) = delete;
	FakeDmaBufs &operator=(const FakeDmaBufs &) = delete;

	/* A memory file of size bytes. Byte i has the value i modulo 251. */
	static cmacam::UniqueFd create(std::size_t size);

	/*
	 * Makes one sync call fail with error. index counts from 0, over the calls for whole
	 * buffers and for parts together.
	 */
	void failCall(unsigned int index, int error);

	/* The error of every sync call for a part; 0 means success. */
	void setPartError(int error) { partError_ = error; }
	/* Whether the device node exists. Without it, no sync call for a part is possible. */
	void setNode(bool exists) { node_ = exists; }

	/* The error of every request for a read-only dma-buf; 0 means success. */
	void setReaderError(int error) { readerError_ = error; }

	int sync(std::uint64_t flags);
	int makeReader(int fd);
	int syncPart(const vb2_cma_sync &part);
	int openNode();

	int begins() const { return begins_; }
	int ends() const { return ends_; }
	unsigned int calls() const { return calls_; }
	int opens() const { return opens_; }
	int readers() const { return readers_; }

	/* The sync calls for parts that succeeded, START and END, in the order of the calls. */
	const std::vector<vb2_cma_sync> &parts() const { return parts_; }
	unsigned int partCalls() const { return partCalls_; }

	std::uint64_t lastFlags() const { return lastFlags_; }

private:
	struct Failure
	{
		unsigned int call;
		int error;
	};

	std::vector<Failure> failures_;
	std::atomic<unsigned int> calls_ = 0;
	int begins_ = 0;
	int ends_ = 0;
	std::uint64_t lastFlags_ = 0;

	bool node_ = true;
	int partError_ = 0;
	std::atomic<int> readerError_ = 0;
	std::atomic<int> readers_ = 0;
	std::atomic<int> opens_ = 0;
	std::atomic<unsigned int> partCalls_ = 0;
	std::vector<vb2_cma_sync> parts_;

	bool fails(unsigned int call) const;
};
