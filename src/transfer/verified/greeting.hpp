// peek_hello(): what a connection begins with, before anybody takes it.
#pragma once

#include <optional>

#include "flow/clock.hpp"
#include "flow/stream.hpp"
#include "flow/task.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// The Hello that comes first on `connection`, and stays to be read. Nothing when
/// something else comes, or no whole one before the end or `limit`.
Task<std::optional<Hello>> peek_hello(Stream& connection, Deadline limit);

}  // namespace sockx
