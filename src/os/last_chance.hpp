// give_last_chance(): at the end of a run, for what a slow reader has not taken yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace sockx {

/// Until `fd` can take more, or has failed; false after `limit` or at a signal.
bool wait_until_writable(int fd, std::chrono::milliseconds limit);

/// Calls `flush`, which writes what `fd` takes without waiting and returns how many bytes are left, until
/// none are; again and again where `fd` is -1, because there is nothing to wait for. Gives up when `fd` takes
/// nothing for `limit`, or at a signal. Throws what `flush` does.
void give_last_chance(int fd, std::chrono::milliseconds limit, const std::function<std::size_t()>& flush);

}  // namespace sockx
