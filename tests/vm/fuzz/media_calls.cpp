/* SPDX-License-Identifier: MIT */
#include "media_calls.h"

#include <linux/media.h>

namespace fuzz {

namespace {

/* The media device has fewer of everything. */
constexpr uint32_t kObjects = 64;
constexpr size_t kArrayBytes = 64 << 10;

} /* namespace */

MediaCalls::MediaCalls(const Context &context, CallList &calls) : CallGroup(context, calls)
{
	addIoctl("MEDIA_IOC_DEVICE_INFO", 4, &MediaCalls::deviceInfo);
	addIoctl("MEDIA_IOC_ENUM_ENTITIES", 5, &MediaCalls::enumerateEntities);
	addIoctl("MEDIA_IOC_ENUM_LINKS", 5, &MediaCalls::enumerateLinks);
	addIoctl("MEDIA_IOC_SETUP_LINK", 6, &MediaCalls::setupLink);
	addIoctl("MEDIA_IOC_G_TOPOLOGY", 5, &MediaCalls::getTopology);
}

uint32_t MediaCalls::entity(Random &random) const
{
	const auto &entities = context_.offers.entities();
	return entities.empty() || random.percent(10) ? random.below(kObjects)
						      : random.pick(entities);
}

long MediaCalls::deviceInfo(Random &random)
{
	media_device_info info{};
	return send(random, Kind::Media, MEDIA_IOC_DEVICE_INFO, info);
}

long MediaCalls::enumerateEntities(Random &random)
{
	media_entity_desc description{};
	description.id = entity(random) | (random.percent(50) ? MEDIA_ENT_ID_FLAG_NEXT : 0);
	return send(random, Kind::Media, MEDIA_IOC_ENUM_ENTITIES, description);
}

long MediaCalls::enumerateLinks(Random &random)
{
	auto *pads = context_.scratch.array<media_pad_desc>();
	auto *links = context_.scratch.array<media_link_desc>(kArrayBytes);
	media_links_enum links_of{};
	const auto setPointers = [&] {
		links_of.pads = pads;
		links_of.links = links;
	};
	links_of.entity = entity(random);
	setPointers();
	return send(random, Kind::Media, MEDIA_IOC_ENUM_LINKS, links_of, setPointers);
}

/* The links of the board are fixed: only a call that changes nothing succeeds. */
long MediaCalls::setupLink(Random &random)
{
	auto *links = context_.scratch.array<media_link_desc>(kArrayBytes);
	auto *pads = context_.scratch.array<media_pad_desc>();
	media_links_enum known{};
	known.entity = entity(random);
	known.pads = pads;
	known.links = links;
	links[0] = {};
	const int fd = context_.descriptors.node(random, Kind::Media);
	ioctl(fd, MEDIA_IOC_ENUM_LINKS, &known);
	media_link_desc link = links[0];
	if (random.percent(30))
		link.flags ^= MEDIA_LNK_FL_ENABLED;
	return context_.ioctls.call(random, fd, MEDIA_IOC_SETUP_LINK, link);
}

long MediaCalls::getTopology(Random &random)
{
	media_v2_topology topology{};
	const auto address = [&](size_t number) {
		return reinterpret_cast<uintptr_t>(
			context_.scratch.array<char>(number * kArrayBytes));
	};
	const auto setPointers = [&] {
		topology.ptr_entities = address(0);
		topology.ptr_interfaces = address(1);
		topology.ptr_pads = address(2);
		topology.ptr_links = address(3);
	};
	const uint32_t room = random.percent(80) ? kObjects : random.below(kObjects);
	topology.num_entities = room;
	topology.num_interfaces = room;
	topology.num_pads = room;
	topology.num_links = room;
	setPointers();
	return send(random, Kind::Media, MEDIA_IOC_G_TOPOLOGY, topology, setPointers);
}

} /* namespace fuzz */
