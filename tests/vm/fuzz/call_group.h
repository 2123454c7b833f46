/* SPDX-License-Identifier: MIT */
/* Base of the groups of calls. A group adds its member functions to the list of calls. */
#pragma once

#include <array>
#include <functional>

#include "call_list.h"
#include "context.h"

namespace fuzz {

template <typename Group>
class CallGroup
{
public:
	CallGroup(const CallGroup &) = delete;
	CallGroup &operator=(const CallGroup &) = delete;

protected:
	using Make = long (Group::*)(Random &);

	CallGroup(const Context &context, CallList &calls) : context_(context), calls_(calls) {}

	void addIoctl(const char *name, uint32_t weight, Make make)
	{
		add(name, true, weight, make);
	}
	void addCall(const char *name, uint32_t weight, Make make)
	{
		add(name, false, weight, make);
	}

	/* Makes an ioctl on a descriptor of a node. See Ioctls::call(). */
	template <typename T>
	long send(Random &random, Kind kind, unsigned long request, T &argument,
		  const std::function<void()> &restore = {})
	{
		const int fd = context_.descriptors.node(random, kind);
		return context_.ioctls.call(random, fd, request, argument, restore);
	}

	Context context_;

private:
	void add(const char *name, bool isIoctl, uint32_t weight, Make make)
	{
		Group *group = static_cast<Group *>(this);
		calls_.add({name, isIoctl, weight,
			    [group, make](Random &random) { return (group->*make)(random); }});
	}

	CallList &calls_;
};

} /* namespace fuzz */
