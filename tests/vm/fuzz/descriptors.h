/* SPDX-License-Identifier: MIT */
/* The descriptors of one process: nodes, dma-bufs and sync files. */
#pragma once

#include <array>
#include <vector>

#include "limits.h"
#include "nodes.h"
#include "random.h"
#include "support/fd.h"

namespace fuzz {

/* An open file of each node. All processes inherit it, so they are one user of the node. */
using SharedFiles = std::array<support::Fd, kKinds>;

struct DmaBuf
{
	support::Fd fd;
	size_t bytes;
};

class Descriptors
{
public:
	Descriptors(const Nodes &nodes, const SharedFiles &shared) : nodes_(nodes), shared_(shared)
	{
	}

	/*
	 * A descriptor of a node: mostly the file that all processes share, else a file of this
	 * process. Returns -1 if no file could be opened.
	 */
	int node(Random &random, Kind kind);
	/* Opens a node and keeps the file. Returns the descriptor, or -1 and errno. */
	int open(Random &random, Kind kind);
	/* Opens a node for the caller alone. The result is not valid if this fails. */
	support::Fd openAlone(Kind kind) const;
	/* Duplicates a node's descriptor and keeps it. Returns it, or -1 and errno. */
	int duplicate(Random &random, Kind kind);
	/* Closes a file of this process. Returns the result of close(). */
	int closeNode(Random &random);
	/* Notes that the buffers of a queue belong to this descriptor. */
	void noteOwner(Kind kind, int fd) { owners_[indexOf(kind)] = fd; }

	/* Takes over a dma-buf. If there are too many, another one is closed. */
	void addDmaBuf(Random &random, int fd);
	/* Returns a dma-buf, or nullptr if there is none. */
	const DmaBuf *dmaBuf(Random &random);
	int dmaBufOrNone(Random &random);
	/* Closes a dma-buf. Returns the result of close(). */
	int closeDmaBuf(Random &random);

	void addSyncFile(Random &random, int fd);
	int syncFileOrNone(Random &random);

	/* Takes over a descriptor that another process has sent: a node or a dma-buf. */
	void adopt(Random &random, int fd);
	/* A descriptor of a random kind, or -1: the wrong one for most calls. */
	int wrong(Random &random);

	/* Marks a descriptor as one that closeUnknown() must keep. */
	void keep(int fd) { kept_.push_back(fd); }
	/*
	 * Closes all descriptors that this class does not know. A call can make a descriptor and
	 * fail all the same, because its result could not be written to a bad address.
	 */
	void closeUnknown() const;

private:
	struct NodeFile
	{
		Kind kind;
		support::Fd fd;
	};

	int own(Random &random, Kind kind) const;
	int keepNode(Random &random, Kind kind, int fd);

	const Nodes &nodes_;
	const SharedFiles &shared_;
	std::vector<NodeFile> files_;
	std::array<int, kKinds> owners_{-1, -1, -1, -1, -1, -1, -1, -1};
	std::vector<DmaBuf> dmaBufs_;
	std::vector<support::Fd> syncFiles_;
	std::vector<int> kept_;
};

} /* namespace fuzz */
