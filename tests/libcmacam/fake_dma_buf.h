/* SPDX-License-Identifier: MIT */
/*
 * A memory file that answers DMA_BUF_IOCTL_SYNC and keeps count.
 */

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <cmacam/dma_buf.h>

/* What the wrapped ioctl() has seen and what it shall do. One per test. */
class FakeDmaBufs
{
public:
	FakeDmaBufs();
	~FakeDmaBufs();

	FakeDmaBufs(const FakeDmaBufs &) = delete;
	FakeDmaBufs &operator=(const FakeDmaBufs &) = delete;

	/* A memory file of size bytes, byte i holding i modulo 251. */
	static cmacam::UniqueFd create(std::size_t size);

	/* Fail the call number index (counted from 0) with error, once. */
	void failCall(unsigned int index, int error);

	int sync(std::uint64_t flags);

	int begins() const { return begins_; }
	int ends() const { return ends_; }
	unsigned int calls() const { return calls_; }
	std::uint64_t lastFlags() const { return lastFlags_; }

private:
	struct Failure
	{
		unsigned int call;
		int error;
	};

	std::vector<Failure> failures_;
	unsigned int calls_ = 0;
	int begins_ = 0;
	int ends_ = 0;
	std::uint64_t lastFlags_ = 0;
};
