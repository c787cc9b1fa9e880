// peek_hello(): which transfer a new connection belongs to.
#pragma once

#include <optional>

#include "flow/clock.hpp"
#include "flow/stream.hpp"
#include "flow/task.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// The Hello that `connection` begins with, which can still be read after this. Nothing when it begins with
/// something else, or ends before the Hello is complete, or when that takes beyond `limit`.
Task<std::optional<Hello>> peek_hello(Stream& connection, Deadline limit);

}  // namespace sockx
