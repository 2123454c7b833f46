/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reason why libcamera does not list the camera of a board that is plugged in.
 */
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include <cmacam/result.h>

namespace cmacam {

/**
 * Look for a node of a board that this process cannot open. libcamera lists no camera
 * for such a board, and gives no reason. @root: the folder that contains dev and sys.
 *
 * The result is empty if no board is plugged in, or if all nodes can be opened. Errors:
 * - EACCES: the user has no right to open the node; the text names node, owner and group
 * - EMFILE, ENFILE: the process or the system has too many open files
 * - ENODEV: there is no such node in dev
 */
std::optional<Error> findAccessError(const std::filesystem::path &root = "/");

/** Make the error EMFILE for @what, which needs @count more file descriptors. */
Error tooManyFiles(const std::string &what, std::size_t count);

/** Whether the process can open @count more files now. */
bool canOpenFiles(std::size_t count);

} /* namespace cmacam */
