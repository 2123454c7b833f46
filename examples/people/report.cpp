/* SPDX-License-Identifier: MIT */
/*
 * What the people detector tells about its frames, for people and for scripts.
 */

#include "report.h"

#include <iomanip>
#include <sstream>

namespace {

std::string hex(std::uint64_t value)
{
	std::ostringstream out;
	out << "0x" << std::hex << value;
	return out.str();
}

} /* namespace */

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

	std::ostringstream out;
	out << std::fixed << std::setprecision(2);
	if (json)
		out << "{\"delivered\":" << delivered_ << ",\"looked_at\":" << lookedAt_
		    << ",\"lost\":" << lost_ << ",\"fps\":" << fps << ",\"people\":" << people_
		    << "}";
	else
		out << "# delivered " << delivered_ << ", looked at " << lookedAt_ << ", lost "
		    << lost_ << ", " << fps << " fps, people " << people_;

	return out.str();
}

std::string header()
{
	return "sequence\ttimestamp\tpeople\tphysical\tcontiguous\thead";
}

std::string line(const FrameReport &report, bool json)
{
	std::ostringstream out;

	if (json) {
		out << "{\"sequence\":" << report.sequence << ",\"timestamp\":" << report.timestamp
		    << ",\"people\":" << report.people;
		if (report.proof)
			out << ",\"physical\":\"" << hex(report.proof->luma.start)
			    << "\",\"contiguous\":"
			    << (report.proof->luma.contiguous ? "true" : "false") << ",\"head\":\""
			    << report.proof->head << "\"";
		out << "}";
	} else {
		out << report.sequence << '\t' << report.timestamp << '\t' << report.people;
		if (report.proof)
			out << '\t' << hex(report.proof->luma.start) << '\t'
			    << (report.proof->luma.contiguous ? "yes" : "no") << '\t'
			    << report.proof->head;
		else
			out << "\t-\t-\t-";
	}

	return out.str();
}
