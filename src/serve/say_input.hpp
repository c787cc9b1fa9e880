// say_input(): the operator's part in a room.
#pragma once

#include "flow/task.hpp"
#include "serve/console.hpp"
#include "serve/room.hpp"

namespace sockx {

/// Says to all members of the room what is read, until the end of the input. It is not read while there is
/// nobody to hear it. With `whole_lines` no line is cut by what others say. Throws Error.
Task<> say_input(ConsoleInput& input, Room& room, bool whole_lines);

}  // namespace sockx
