/* SPDX-License-Identifier: MIT */
/* Calls that read, copy, pin or send the memory of buffers, and read() and poll() on nodes. */
#pragma once

#include "call_group.h"

namespace fuzz {

class TransferCalls : private CallGroup<TransferCalls>
{
public:
	TransferCalls(const Context &context, CallList &calls);

private:
	friend CallGroup;

	long readNode(Random &random);
	long readRecord(Random &random);
	long writeNode(Random &random);
	long pollNode(Random &random);
	long pollAlone(Random &random);
	long pollDmaBuf(Random &random);
	long writeToFile(Random &random);
	long readFromFile(Random &random);
	long readMemory(Random &random);
	long writeMemory(Random &random);
	long gift(Random &random);
	long spliceToPipe(Random &random);
	long spliceToFile(Random &random);
	long duplicateInPipe(Random &random);
	long readPipe(Random &random);
	long replacePipe(Random &random);
	long send(Random &random);
	long receive(Random &random);
};

} /* namespace fuzz */
