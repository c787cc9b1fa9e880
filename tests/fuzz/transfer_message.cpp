// Messages of verified transfers: what is heard would be said in the same bytes, and a message that cannot be
// is refused, not misread.
#include <cstring>

#include "support.hpp"
#include "transfer/verified/wire.hpp"

using namespace sockx;

namespace {

/// Whether it is a message; then its frame is these bytes.
bool is_heard(const std::string& frame) {
  try {
    const auto message = decode(frame);
    const auto* const hello = std::get_if<Hello>(&message);
    const bool is_of_other_version = hello != nullptr && !is_spoken(hello->version);
    assert(is_of_other_version || encode(message) == frame);
    return true;
  } catch (const Corrupt& refusal) {
    assert(*refusal.what() != '\0');
    return false;
  }
}

std::string network_order(std::uint64_t number, std::size_t bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(number >> (8 * bytes) & 0xff);
  return text;
}

/// The frame of any type and body, with the checks that belong to it.
std::string checked_frame(std::uint8_t type, const std::string& body) {
  auto frame = std::string("sx") + static_cast<char>(type) + '\0' + network_order(body.size(), 4);
  frame += network_order(xxh3_64(frame), 8);
  frame += body;
  return frame + xxh3_128(frame);
}

}  // namespace

/// The input is a frame, and then the type and the body of one with checks that are right.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::string_of(std::as_bytes(std::span(data, size)));
  is_heard(bytes);
  if (size == 0) return 0;
  const auto frame = checked_frame(data[0], bytes.substr(1));
  if (!is_heard(frame)) return 0;
  auto damaged = frame;
  damaged[frame.size() / 2] = static_cast<char>(damaged[frame.size() / 2] ^ 1);
  assert(!is_heard(damaged));
  return 0;
}
