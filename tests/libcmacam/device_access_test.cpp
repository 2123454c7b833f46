/* SPDX-License-Identifier: MIT */
/*
 * Why there is no camera: nodes that this process may not open, and too many open files.
 */
#include "device_access.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "session_fixture.h"

namespace fs = std::filesystem;

namespace cmacam {
namespace {

/* The limit of open files is such that the process can open @count more. */
class FewFiles
{
public:
	explicit FewFiles(rlim_t count)
	{
		const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
		close(next);
		getrlimit(RLIMIT_NOFILE, &before_);
		const rlimit few = {static_cast<rlim_t>(next) + count, before_.rlim_max};
		setrlimit(RLIMIT_NOFILE, &few);
	}
	~FewFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
	rlimit before_{};
};

/* Files of root are refused to others only: the test is another one meanwhile. */
class Nobody
{
public:
	Nobody() : before_(geteuid())
	{
		if (before_ == 0) {
			EXPECT_EQ(seteuid(65534), 0);
		}
	}
	~Nobody() { EXPECT_EQ(seteuid(before_), 0); }

private:
	uid_t before_;
};

/* The files of a machine with one board. */
class DeviceAccessTest : public testing::Test
{
protected:
	DeviceAccessTest()
	{
		const fs::path device = root_ / "sys/bus/pci/drivers/cmacam/0000:00:04.0";
		fs::create_directories(device / "media0");
		fs::create_directories(device / "video4linux/video0");
		fs::create_directories(device / "power");
		fs::create_directories(root_ / "dev");
		fs::permissions(root_, fs::perms(0755));
		std::ofstream(root_ / "dev/media0");
		std::ofstream(root_ / "dev/video0");
		setRights("media0", 0660);
		setRights("video0", 0660);
	}
	~DeviceAccessTest() override { fs::remove_all(root_); }

	static fs::path makeRoot()
	{
		std::string name = testing::TempDir() + "access-XXXXXX";
		return mkdtemp(name.data());
	}

	void setRights(const std::string &node, unsigned int rights)
	{
		fs::permissions(root_ / "dev" / node, fs::perms(rights));
	}

	const fs::path root_ = makeRoot();
};

TEST_F(DeviceAccessTest, ThereIsNoErrorIfAllNodesCanBeOpened)
{
	EXPECT_FALSE(findAccessError(root_));
	EXPECT_FALSE(findAccessError(root_ / "dev")) << "a machine without a board";
}

TEST_F(DeviceAccessTest, TheErrorNamesTheNodeAndItsGroup)
{
	if (geteuid() != 0)
		GTEST_SKIP() << "only root can give a file to a group that has nobody";
	ASSERT_EQ(chown((root_ / "dev/media0").c_str(), 0, 65533), 0);
	setRights("media0", 0660);
	const Nobody nobody;
	const auto error = findAccessError(root_);

	ASSERT_TRUE(error);
	EXPECT_EQ(error->code, EACCES);
	EXPECT_NE(error->what.find("dev/media0, which is for the group '65533'"), std::string::npos)
		<< error->what;
}

TEST_F(DeviceAccessTest, ANodeForItsOwnerOnlyNamesTheOwner)
{
	setRights("media0", 0666);
	setRights("video0", 0);
	const Nobody nobody;
	const auto error = findAccessError(root_);
	ASSERT_TRUE(error);
	EXPECT_EQ(error->code, EACCES);
	EXPECT_NE(error->what.find("dev/video0, which is for its owner '"), std::string::npos)
		<< error->what;
}

TEST_F(DeviceAccessTest, ANodeThatIsMissingIsNamed)
{
	fs::remove(root_ / "dev/video0");
	const auto error = findAccessError(root_);
	ASSERT_TRUE(error);
	EXPECT_EQ(error->code, ENODEV);
	EXPECT_NE(error->what.find("dev/video0"), std::string::npos) << error->what;
}

using TooManyFilesTest = SessionTest;

TEST_F(TooManyFilesTest, BuffersThatNeedMoreFilesSayHowMany)
{
	configure({Stream::Main});
	const FewFiles few(2);
	const auto buffers = StreamBuffers::allocate(camera_, configs_[Stream::Main]);
	ASSERT_FALSE(buffers);
	EXPECT_EQ(buffers.error().code, EMFILE);
	EXPECT_NE(buffers.error().what.find("needs 4 more open files"), std::string::npos)
		<< buffers.error().what;
}

TEST(TooManyFiles, AreFoundBeforeTheyAreOpened)
{
	const FewFiles few(3);
	EXPECT_TRUE(canOpenFiles(3));
	EXPECT_FALSE(canOpenFiles(4));
	EXPECT_TRUE(canOpenFiles(3)) << "those of before are closed";
}

} /* namespace */
} /* namespace cmacam */
