#include "serve/console.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/text.hpp"
#include "flow/rate_limit.hpp"
#include "flow/task_group.hpp"
#include "os/last_chance.hpp"
#include "serve/line_hold.hpp"

namespace sockx {

ConsoleInput::ConsoleInput(EventLoop& loop)
    : stream_(Stream::standard_input(loop)), is_terminal_(isatty(STDIN_FILENO) == 1) {}

bool ConsoleInput::is_silent() {
  if (is_terminal_) return true;
  try {
    return stream_.look_ahead().state != IoResult::State::moved;
  } catch (const Error&) {
    return false;
  }
}

Console::Console(EventLoop& loop)
    : input_(loop), output_(Stream::standard_output(loop)), put_(loop), flushed_(loop) {}

Console::~Console() {
  if (failure_) return;
  const auto flush_some = [this] {
    write_some_of_kept();
    return kept_.size();
  };
  try {
    give_last_chance(output_.facts().fd, std::chrono::seconds(2), flush_some);
  } catch (const Error&) {
    return;  // its reader has closed
  }
}

void Console::put(std::span<const std::byte> bytes) {
  if (failure_) return;
  if (kept_.empty()) try {
      bytes = bytes.subspan(write_now(bytes));
    } catch (const Error&) {
      failure_ = std::current_exception();
    }
  kept_.insert(kept_.end(), bytes.begin(), bytes.end());
  if (!is_flushed()) put_.notify();
}

/// Returns how many bytes were written.
std::size_t Console::write_now(std::span<const std::byte> bytes) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const auto put = output_.write_some(bytes.subspan(written));
    if (put.state != IoResult::State::moved) break;
    written += put.bytes;
  }
  return written;
}

Task<> Console::flush() {
  while (!is_flushed()) {
    co_await flushed_.wait();
  }
}

Task<> Console::run() { return any(write_kept(), wait_for_reader_to_leave()); }

void Console::write_some_of_kept() {
  const auto written = write_now(kept_);
  kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(written));
}

Task<> Console::write_kept() {
  for (;;) {
    while (is_flushed()) {
      co_await put_.wait();
    }
    if (failure_) std::rethrow_exception(failure_);
    co_await output_.writable();
    write_some_of_kept();
    if (kept_.empty()) flushed_.notify();
  }
}

Task<> Console::wait_for_reader_to_leave() {
  co_await output_.watch().hung_up();
  throw Error(EPIPE, text("write {}", output_.name()), output_.facts().origin);
}

Task<> say_input(ConsoleInput& input, Room& room, SayOptions options) {
  auto& loop = co_await this_loop();
  LineHold lines(options.whole_lines, [&room](std::span<const std::byte> bytes) { room.say(0, bytes); });
  auto rate = limit_of(options.rate);
  for (bool goes_on = true; goes_on;) {
    co_await room.wait_for_member();
    co_await input.ready();
    co_await room.wait_for_room(0);
    if (room.is_empty()) continue;  // they have left meanwhile
    if (options.must_wait()) {
      co_await loop.sleep_until(after(std::chrono::milliseconds(1)));
      continue;
    }
    const auto most = allowed_by(rate);
    if (most == 0) {
      co_await loop.sleep_until(rate->worth_waking());
      continue;
    }
    const auto scratch = loop.scratch();
    const auto buffer = scratch.first(std::min<std::size_t>(most, scratch.size()));
    const auto got = input.read(buffer);
    if (rate) rate->spend(static_cast<std::int64_t>(got.bytes));
    if (options.stages.empty()) {
      lines.put(buffer.first(got.bytes));
    } else {
      std::vector<std::byte> bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.bytes));
      pass_through(options.stages, bytes);
      lines.put(bytes);
    }
    goes_on = got.state != IoResult::State::eof;
    if (got.bytes == scratch.size()) {
      co_await loop.next_turn();
    }
  }
  co_await room.wait_for_room(0);
  lines.end();
}

}  // namespace sockx
