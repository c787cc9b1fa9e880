#include "serve/console.hpp"

#include <unistd.h>

#include "flow/task_group.hpp"
#include "os/last_chance.hpp"
#include "os/standard_streams.hpp"
#include "os/text.hpp"

namespace sockx {

ConsoleInput::ConsoleInput(EventLoop& loop)
    : stream_(loop, take_standard_input()),
      described_(describe_standard_stream(STDIN_FILENO)),
      is_terminal_(isatty(STDIN_FILENO) == 1) {}

IoResult ConsoleInput::read(std::span<std::byte> buffer) {
  const auto got = read_some(described_, buffer);
  if (got.state == IoResult::State::again) stream_.watch.forget_readable();
  return got;
}

bool ConsoleInput::is_silent() const {
  if (is_terminal_) return true;
  try {
    return look_ahead(described_).state != IoResult::State::moved;
  } catch (const Error&) {
    return false;
  }
}

Console::Console(EventLoop& loop)
    : input_(loop),
      output_(loop, take_standard_output()),
      out_(describe_standard_stream(STDOUT_FILENO)),
      put_(loop),
      flushed_(loop) {}

Console::~Console() {
  if (failure_) return;
  const auto flush_some = [this] {
    write_some_of_kept();
    return kept_.size();
  };
  try {
    give_last_chance(out_.fd, std::chrono::seconds(2), flush_some);
  } catch (const Error&) {
    return;  // whoever reads it has gone
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
    const auto put = write_some(out_, bytes.subspan(written));
    written += put.bytes;
    if (put.state != IoResult::State::moved) {
      output_.watch.forget_writable();
      break;
    }
  }
  return written;
}

Task<> Console::flush() {
  while (!is_flushed()) {
    co_await flushed_.wait();
  }
}

Task<> Console::attend() {
  std::vector<Task<>> tasks;
  tasks.push_back(write_kept());
  tasks.push_back(wait_for_reader_to_leave());
  co_await any(std::move(tasks));
}

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
    co_await output_.watch.writable();
    write_some_of_kept();
    if (kept_.empty()) flushed_.notify();
  }
}

Task<> Console::wait_for_reader_to_leave() {
  co_await output_.watch.hung_up();
  throw Error(EPIPE, text("write {}", out_.name), out_.origin);
}

}  // namespace sockx
