#include "transfer/verified/greeting.hpp"

#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

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

Task<std::optional<Hello>> peek_hello(Stream& connection, Deadline limit) {
  std::string header(frame_header_size, '\0'), frame;
  bool is_whole = false;
  try {
    const auto header_bytes = std::as_writable_bytes(std::span(header));
    const auto got = co_await connection.peek(header_bytes, header.size(), limit);
    if (got == header.size()) frame.resize(size_of_hello(header));
    if (frame.empty()) co_return std::nullopt;
    const auto frame_bytes = std::as_writable_bytes(std::span(frame));
    const auto size = co_await connection.peek(frame_bytes, frame.size(), limit);
    is_whole = size == frame.size();
  } catch (const TimedOut&) {
    is_whole = false;
  } catch (const Error&) {
    is_whole = false;
  }
  co_return is_whole ? hello_in(frame) : std::nullopt;
}

}  // namespace sockx
