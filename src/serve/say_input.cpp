#include "serve/say_input.hpp"

#include "os/io_result.hpp"
#include "serve/line_hold.hpp"

namespace sockx {

Task<> say_input(ConsoleInput& input, Room& room, bool whole_lines) {
  auto& loop = co_await this_loop();
  LineHold lines(whole_lines, [&room](std::span<const std::byte> bytes) { room.say(0, bytes); });
  for (bool goes_on = true; goes_on;) {
    co_await room.wait_for_member();
    co_await input.ready();
    co_await room.wait_for_room(0);
    if (room.is_empty()) continue;  // they have left meanwhile
    const auto got = input.read(loop.scratch());
    lines.put(loop.scratch().first(got.bytes));
    goes_on = got.state != IoResult::State::eof;
    if (got.bytes == loop.scratch().size()) {
      co_await loop.next_turn();
    }
  }
  co_await room.wait_for_room(0);
  lines.end();
}

}  // namespace sockx
