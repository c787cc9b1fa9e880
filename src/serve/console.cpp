#include "serve/console.hpp"

#include <unistd.h>

#include <vector>

#include "os/standard_streams.hpp"
#include "os/text.hpp"

namespace sockx {

Console::Console(EventLoop& loop)
    : input_(loop, take_standard_input()),
      output_(loop, take_standard_output()),
      in_(describe_standard_stream(STDIN_FILENO)),
      out_(describe_standard_stream(STDOUT_FILENO)) {}

bool Console::is_typed() const { return in_.fd == STDIN_FILENO && isatty(STDIN_FILENO) != 0; }

IoResult Console::read(std::span<std::byte> buffer) {
  const auto got = read_some(in_, buffer);
  if (got.state == IoResult::State::again) input_.watch.forget_readable();
  return got;
}

Task<> Console::write(std::span<const std::byte> bytes) {
  std::vector<std::byte> rest;
  while (!bytes.empty()) {
    const auto put = write_some(out_, bytes);
    bytes = bytes.subspan(put.bytes);
    if (put.state == IoResult::State::moved) continue;
    if (rest.empty()) {
      rest.assign(bytes.begin(), bytes.end());
      bytes = rest;
    }
    output_.watch.forget_writable();
    co_await output_.watch.writable();
  }
}

Task<> Console::wait_for_reader_to_leave() {
  co_await output_.watch.hung_up();
  throw Error(EPIPE, text("write {}", out_.name), out_.origin);
}

}  // namespace sockx
