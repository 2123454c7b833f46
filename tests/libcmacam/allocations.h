/* SPDX-License-Identifier: MIT */
/*
 * How many times operator new was called in this program.
 */

#pragma once

unsigned int allocations();
