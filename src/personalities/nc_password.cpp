#include "personalities/nc_password.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>

#include "base/error.hpp"
#include "base/on_exit.hpp"
#include "base/text.hpp"
#include "os/terminal_mode.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

namespace {

constexpr std::size_t longest_line = 4096;  // that a terminal has: termios(3)

/// Reads a line with its LF into the buffer, or what is there before the end. Returns its size.
Task<std::size_t> read_typed_line(Stream& terminal, std::span<std::byte> buffer) {
  std::size_t size = 0;
  while (size < buffer.size()) {
    const auto got = terminal.read_some(buffer.subspan(size));
    if (got.state == IoResult::State::eof) break;
    if (got.state == IoResult::State::moved) {
      size += got.bytes;
      if (buffer[size - 1] == std::byte{'\n'}) break;
    } else {
      co_await terminal.readable();
    }
  }
  co_return size;
}

Task<std::string> ask_at(NcRun& run, Stream& terminal, std::string prompt) {
  std::array<std::byte, longest_line> typed;
  const OnExit wipe([&typed] { explicit_bzero(typed.data(), typed.size()); });
  const TerminalMode mode(terminal.facts().fd, TerminalMode::Keys::hidden);
  run.terminal_mode = &mode;
  const int fd = terminal.facts().fd;
  const OnExit end_line([&run, fd] {  // of the prompt: the LF that was typed has no echo
    run.terminal_mode = nullptr;
    [[maybe_unused]] const auto written = write(fd, "\n", 1);
  });
  const auto bytes = std::as_bytes(std::span<const char>(prompt));
  co_await terminal.write_all(bytes);
  const auto size = co_await read_typed_line(terminal, typed);
  const auto line = as_text(std::span<const std::byte>(typed).first(size));
  co_return std::string(line.substr(0, line.find('\n')));
}

}  // namespace

Task<std::optional<std::string>> ask_password(NcRun& run, std::string prompt) {
  UniqueFd fd(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) co_return std::nullopt;
  const std::string name = "/dev/tty";
  auto facts = describe_terminal(fd.get(), name, Origin::local_file, Descriptor::HangUp::end);
  try {
    Stream terminal(run.context.loop(), std::move(fd), std::move(facts));
    auto password = co_await ask_at(run, terminal, std::move(prompt));
    co_return std::move(password);
  } catch (const Error&) {
    co_return std::nullopt;
  }
}

}  // namespace sockx
