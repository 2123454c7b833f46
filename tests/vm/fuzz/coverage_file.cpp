/* SPDX-License-Identifier: MIT */
#include "coverage_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

#include "support/fd.h"

namespace fuzz {

namespace {

constexpr std::array kModules = {"cmacam", "vb2_cma", "vb2_cma_heap"};

/* Several programs may write into the folder at the same time. */
support::Fd newFile(const std::filesystem::path &folder)
{
	for (int number = 0;; number++) {
		const std::filesystem::path path = folder / (std::to_string(number) + ".pcs");
		const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd >= 0 || errno != EEXIST)
			return support::Fd(fd, path.c_str());
	}
}

} /* namespace */

void CoverageFile::noteSections()
{
	namespace fs = std::filesystem;
	for (const char *module : kModules) {
		const fs::path folder = fs::path("/sys/module") / module / "sections";
		if (!fs::exists(folder))
			continue;
		for (const fs::directory_entry &entry : fs::directory_iterator(folder)) {
			const std::string name = entry.path().filename();
			std::ifstream file(entry.path());
			std::string address;
			if (name.find("text") != name.npos && file >> address)
				sections_.insert({std::stoull(address, nullptr, 0), module, name});
		}
	}
}

void CoverageFile::write(const std::filesystem::path &folder, const PcSet &coverage) const
{
	std::ostringstream text;
	text << std::hex;
	for (const Section &section : sections_)
		text << "section " << section.module << ' ' << section.name << " 0x"
		     << section.address << '\n';
	for (const uint64_t pc : coverage.all())
		text << "pc 0x" << pc << '\n';

	std::filesystem::create_directories(folder);
	const support::Fd file = newFile(folder);
	const std::string content = text.str();
	if (::write(file, content.data(), content.size()) != static_cast<ssize_t>(content.size()))
		support::fail("write of the coverage");
}

} /* namespace fuzz */
