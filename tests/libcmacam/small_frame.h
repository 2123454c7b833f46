/* SPDX-License-Identifier: MIT */
/* The frame of most tests: small, with lines that are longer than the picture is wide. */

#pragma once

constexpr unsigned int kWidth = 60;
constexpr unsigned int kHeight = 40;
constexpr unsigned int kStride = 64;
