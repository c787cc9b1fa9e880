// The CRLF stage: however the stream is cut, every bare newline gets a CR and nothing else changes.
#include <algorithm>

#include "flow/stage.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

std::vector<std::byte> reference(const std::vector<std::byte>& stream) {
  std::vector<std::byte> result;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    const bool is_bare = stream[i] == std::byte{'\n'} && (i == 0 || stream[i - 1] != std::byte{'\r'});
    if (is_bare) result.push_back(std::byte{'\r'});
    result.push_back(stream[i]);
  }
  return result;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pieces = fuzz::pieces_of(std::as_bytes(std::span(data, size)));
  const auto crlf = make_crlf();
  std::vector<std::byte> passed;
  for (const auto piece : pieces) {
    std::vector<std::byte> bytes(piece.begin(), piece.end());
    crlf->pass(bytes);
    passed.insert(passed.end(), bytes.begin(), bytes.end());
  }
  assert(passed == reference(fuzz::joined(pieces)));
  return 0;
}
