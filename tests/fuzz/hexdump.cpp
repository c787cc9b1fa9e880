// The hexdump stage: rows of at most 16 bytes that follow each other and hold the stream, which stays as it
// is.
#include <algorithm>

#include "flow/stage.hpp"
#include "support.hpp"

using namespace sockx;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t row_size = 16;
  std::vector<std::byte> dumped;
  std::size_t rows = 0, wanted_rows = 0;
  const auto note = [&](const DumpedRow& row) {
    assert(row.offset == dumped.size());
    assert(!row.bytes.empty() && row.bytes.size() <= row_size);
    dumped.insert(dumped.end(), row.bytes.begin(), row.bytes.end());
    ++rows;
  };
  const auto hexdump = make_hexdump(note, [] { return true; });
  const auto pieces = fuzz::pieces_of(std::as_bytes(std::span(data, size)));
  for (const auto piece : pieces) {
    std::vector<std::byte> bytes(piece.begin(), piece.end());
    hexdump->pass(bytes);
    assert(std::ranges::equal(bytes, piece));
    wanted_rows += (piece.size() + row_size - 1) / row_size;
  }
  assert(rows == wanted_rows);
  assert(dumped == fuzz::joined(pieces));
  return 0;
}
