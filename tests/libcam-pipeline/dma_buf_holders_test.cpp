/* SPDX-License-Identifier: MIT */
/*
 * Processes that have a buffer open or mapped are found, by any file that is
 * known by its inode alone.
 */

#include <stop_token>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <libcamera/base/unique_fd.h>

#include "dma_buf_holders.h"

using libcamera::DmaBufHolder;
using libcamera::DmaBufId;
using libcamera::dmaBufId;
using libcamera::UniqueFD;

namespace {

constexpr size_t kSize = 4096;
constexpr char kPrefix[] = "/memfd:buffer";

UniqueFD makeBuffer(const char *name = "buffer")
{
	UniqueFD fd(memfd_create(name, MFD_CLOEXEC));
	EXPECT_EQ(ftruncate(fd.get(), kSize), 0);
	return fd;
}

/* A child that has made itself ready, and ends with this object. */
class Child
{
public:
	template <typename Function>
	explicit Child(Function &&prepare)
	{
		int ready[2];
		int stop[2];
		EXPECT_EQ(pipe(ready), 0);
		EXPECT_EQ(pipe(stop), 0);
		pid_ = fork();
		if (!pid_) {
			char byte = 0;
			close(stop[1]);
			prepare();
			_exit(write(ready[1], &byte, 1) < 0 || read(stop[0], &byte, 1) < 0);
		}
		char byte;
		EXPECT_EQ(read(ready[0], &byte, 1), 1);
		for (int fd : {ready[0], ready[1], stop[0]})
			close(fd);
		stop_ = UniqueFD(stop[1]);
	}

	~Child()
	{
		stop_.reset();
		waitpid(pid_, nullptr, 0);
	}

	pid_t pid() const { return pid_; }

private:
	pid_t pid_;
	UniqueFD stop_;
};

} /* namespace */

TEST(DmaBufHolders, NobodyButThisProcess)
{
	const UniqueFD fd = makeBuffer();
	const DmaBufId ids[] = {dmaBufId(fd.get())};

	EXPECT_TRUE(libcamera::dmaBufHolders(ids, kPrefix).empty());
}

TEST(DmaBufHolders, EachBufferCountsOnce)
{
	const UniqueFD a = makeBuffer();
	const UniqueFD b = makeBuffer();
	const DmaBufId ids[] = {dmaBufId(a.get()), dmaBufId(b.get())};
	const Child child([&] { dup(a.get()); });

	const std::vector<DmaBufHolder> holders = libcamera::dmaBufHolders(ids, kPrefix);
	ASSERT_EQ(holders.size(), 1U);
	EXPECT_EQ(holders[0].pid, child.pid());
	EXPECT_EQ(holders[0].buffers, 2U);
	EXPECT_FALSE(holders[0].name.empty());
}

/* Of other files not even the inode is asked for: their file system may be dead. */
TEST(DmaBufHolders, OnlyDmaBufsAreAsked)
{
	const UniqueFD fd = makeBuffer("a file");
	const DmaBufId ids[] = {dmaBufId(fd.get())};
	const Child child([&] { dup(fd.get()); });

	EXPECT_TRUE(libcamera::dmaBufHolders(ids, kPrefix).empty());
	EXPECT_EQ(libcamera::dmaBufHolders(ids, "/memfd:a file").size(), 1U);
}

TEST(DmaBufHolders, AMappingIsEnough)
{
	const UniqueFD fd = makeBuffer();
	const DmaBufId ids[] = {dmaBufId(fd.get())};
	const Child child([&] {
		mmap(nullptr, kSize, PROT_READ, MAP_SHARED, fd.get(), 0);
		close(fd.get());
	});

	const std::vector<DmaBufHolder> holders = libcamera::dmaBufHolders(ids, kPrefix);
	ASSERT_EQ(holders.size(), 1U);
	EXPECT_EQ(holders[0].pid, child.pid());
}

/* A reader's dma-buf is another file, with the name of the buffer. */
TEST(DmaBufHolders, AnotherFileOfTheBufferIsFoundByItsLink)
{
	const UniqueFD fd = makeBuffer();
	const UniqueFD same = makeBuffer("buffer #7");
	const UniqueFD other = makeBuffer("buffer #77");
	DmaBufId id = dmaBufId(fd.get());
	EXPECT_TRUE(id.link.empty()) << "a file that is not a dma-buf of vb2-cma";
	id.link = "/memfd:buffer #7 (deleted)";
	const DmaBufId ids[] = {id};
	const Child opened([&] {
		close(fd.get());
		close(other.get());
	});
	const Child mapped([&] {
		mmap(nullptr, kSize, PROT_READ, MAP_SHARED, same.get(), 0);
		for (int each : {fd.get(), same.get(), other.get()})
			close(each);
	});
	const Child neither([&] {
		for (int each : {fd.get(), same.get()})
			close(each);
	});

	std::vector<pid_t> found;
	for (const DmaBufHolder &holder : libcamera::dmaBufHolders(ids, kPrefix)) {
		EXPECT_EQ(holder.buffers, 1U);
		found.push_back(holder.pid);
	}
	EXPECT_THAT(found, testing::UnorderedElementsAre(opened.pid(), mapped.pid()));
}

TEST(DmaBufHolders, ASearchThatIsStoppedFindsNothingMore)
{
	const UniqueFD fd = makeBuffer();
	const DmaBufId ids[] = {dmaBufId(fd.get())};
	const Child child([] {});
	std::stop_source stop;

	EXPECT_EQ(libcamera::dmaBufHolders(ids, kPrefix, stop.get_token()).size(), 1U);
	stop.request_stop();
	EXPECT_TRUE(libcamera::dmaBufHolders(ids, kPrefix, stop.get_token()).empty());
}
