/* SPDX-License-Identifier: MIT */
/*
 * A memory file that answers DMA_BUF_IOCTL_SYNC and keeps count, and a device
 * node that does so with VB2_CMA_IOC_SYNC.
 */

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <cmacam/dma_buf.h>
#include <linux/vb2-cma.h>

/* What the wrapped open() and ioctl() have seen and what they shall do. One per test. */
class FakeDmaBufs
{
public:
	FakeDmaBufs();
	~FakeDmaBufs();

	FakeDmaBufs(const FakeDmaBufs &) = delete;
	FakeDmaBufs &operator=(const FakeDmaBufs &) = delete;

	/* A memory file of size bytes, byte i holding i modulo 251. */
	static cmacam::UniqueFd create(std::size_t size);

	/* Fail the call number index (counted from 0, whole and part alike) with error, once. */
	void failCall(unsigned int index, int error);

	/* What every call for a part answers; 0: it is done. Without a node there is no call. */
	void setPartError(int error) { partError_ = error; }
	void setNode(bool exists) { node_ = exists; }

	int sync(std::uint64_t flags);
	int syncPart(const vb2_cma_sync &part);
	int openNode();

	int begins() const { return begins_; }
	int ends() const { return ends_; }
	unsigned int calls() const { return calls_; }
	int opens() const { return opens_; }

	/* The calls for parts that were done, in order, START and END. */
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
	std::atomic<int> opens_ = 0;
	std::atomic<unsigned int> partCalls_ = 0;
	std::vector<vb2_cma_sync> parts_;

	bool fails(unsigned int call) const;
};
