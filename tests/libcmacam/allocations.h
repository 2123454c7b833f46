/* SPDX-License-Identifier: MIT */
/*
 * The number of calls of operator new in this program.
 */

#pragma once

unsigned int allocations();
