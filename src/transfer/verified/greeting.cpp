#include "transfer/verified/greeting.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "flow/watch.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"

namespace sockx {

namespace {

constexpr std::uint8_t hello_type = 1;

/// Bytes of the frame that begins with this header; 0 when it is not that of a Hello.
std::size_t size_of_hello(std::string_view header_bytes) {
  try {
    const auto header = decode_header(header_bytes);
    return header.type == hello_type ? frame_header_size + header.length + frame_digest_size : 0;
  } catch (const Corrupt&) {
    return 0;
  }
}

std::optional<Hello> hello_in(std::string_view frame) {
  try {
    const auto message = decode(frame);
    if (const auto* const hello = std::get_if<Hello>(&message)) return *hello;
  } catch (const Corrupt&) {
  }
  return {};
}

}  // namespace

Task<std::optional<Hello>> peek_hello(const Socket& connection, Deadline limit) {
  Watch watch(co_await this_loop(), connection.fd());
  std::string frame(frame_header_size, '\0');
  bool is_whole = false;
  for (;;) {
    const auto got = uninterrupted(
        [&] { return recv(connection.fd(), frame.data(), frame.size(), MSG_PEEK | MSG_DONTWAIT); });
    if (got == 0 || (got < 0 && errno != EAGAIN)) co_return std::nullopt;
    if (got == static_cast<ssize_t>(frame.size())) {
      if (std::exchange(is_whole, true)) co_return hello_in(frame);
      frame.resize(size_of_hello(frame));
      if (frame.empty()) co_return std::nullopt;
      continue;
    }
    watch.forget_readable();
    const bool in_time = co_await watch.readable(limit);
    if (!in_time) co_return std::nullopt;
  }
}

}  // namespace sockx
