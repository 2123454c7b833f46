/* SPDX-License-Identifier: MIT */
/* The small frame of most tests. Its stride is larger than its width. */

#pragma once

constexpr unsigned int kWidth = 60;
constexpr unsigned int kHeight = 40;
constexpr unsigned int kStride = 64;
