/* SPDX-License-Identifier: MIT */
/*
 * What the people detector tells about its frames, one line each.
 */

#include "report.h"

#include <iomanip>
#include <sstream>

namespace {

/* Builds one line in either form. */
class Line
{
public:
	Line(const std::string &kind, bool json) : json_(json)
	{
		out_ << std::fixed << std::setprecision(2);
		out_ << (json ? "{\"kind\":\"" + kind + "\"" : kind);
	}

	template <typename T>
	void number(const char *key, T value)
	{
		if (json_)
			out_ << ",\"" << key << "\":" << value;
		else
			out_ << ' ' << key << '=' << value;
	}

	void text(const char *key, const std::string &value)
	{
		if (json_)
			out_ << ",\"" << key << "\":\"" << value << '"';
		else
			out_ << ' ' << key << '=' << value;
	}

	std::string end() { return out_.str() + (json_ ? "}" : ""); }

private:
	std::ostringstream out_;
	bool json_;
};

std::string hex(std::uint64_t value)
{
	std::ostringstream out;
	out << "0x" << std::hex << value;
	return out.str();
}

} /* namespace */

std::string line(const FrameReport &report, bool json)
{
	Line line("frame", json);
	line.number("sequence", report.sequence);
	line.number("timestamp", report.timestamp);
	line.number("people", report.people);
	if (report.proof) {
		if (report.proof->luma.contiguous)
			line.text("phys", hex(report.proof->luma.start));
		line.text("head", report.proof->head);
	}

	return line.end();
}

void Statistics::delivered(unsigned int sequence)
{
	latest_ = Clock::now();
	if (!delivered_)
		first_ = latest_;

	/* Sequence 0 is the first frame there was. */
	lost_ += last_ ? sequence - *last_ - 1 : sequence;
	last_ = sequence;
	delivered_++;
}

void Statistics::lookedAt(std::size_t people)
{
	lookedAt_++;
	people_ += people;
}

std::string Statistics::line(bool json) const
{
	const std::chrono::duration<double> seconds = latest_ - first_;
	const double fps = seconds.count() > 0 ? (delivered_ - 1) / seconds.count() : 0;

	Line line("summary", json);
	line.number("delivered", delivered_);
	line.number("looked_at", lookedAt_);
	line.number("lost", lost_);
	line.number("fps", fps);
	line.number("people", people_);

	return line.end();
}
