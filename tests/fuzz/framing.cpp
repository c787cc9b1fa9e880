// Framing: however the stream is cut, the records and the way it ends are those of a framer that sees it
// whole and is written another way.
#include "flow/framing.hpp"

#include <algorithm>

#include "support.hpp"

using namespace sockx;

namespace {

using Kind = Framing::Kind;

enum class End { whole, too_long, incomplete };

struct Outcome {
  std::vector<std::string> records;
  End end = End::whole;
  bool operator==(const Outcome&) const = default;
};

Outcome reference(Framing framing, std::size_t most, std::string rest) {
  Outcome outcome;
  const auto take = [&](std::size_t skipped, std::size_t size) {
    if (size > most) outcome.end = End::too_long;
    if (outcome.end == End::too_long) return;
    outcome.records.push_back(rest.substr(skipped, size));
    rest.erase(0, skipped + size);
  };
  if (framing.kind == Kind::all) take(0, rest.size());
  while (!rest.empty() && outcome.end == End::whole) {
    if (framing.kind == Kind::line) take(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    if (framing.kind == Kind::size) take(0, std::min(rest.size(), framing.size));
    if (framing.kind == Kind::len32) {
      if (rest.size() < 4) return outcome.end = End::incomplete, outcome;
      std::size_t size = 0;
      for (int i = 0; i < 4; ++i)
        size = size * 256 + static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
      if (size <= most && rest.size() - 4 < size) return outcome.end = End::incomplete, outcome;
      take(4, size);
    }
  }
  return outcome;
}

Outcome framed(Framing framing, std::size_t most, const std::vector<fuzz::Bytes>& pieces) {
  Outcome outcome;
  Framer framer(framing, most);
  const auto take_all = [&] {
    while (const auto record = framer.take()) outcome.records.push_back(fuzz::string_of(*record));
  };
  try {
    for (const auto piece : pieces) {
      framer.put(piece);
      take_all();
    }
    framer.end();
    take_all();
    assert(framer.left() == 0 && framer.has_ended());
  } catch (const Error& error) {
    assert(error.number() == EMSGSIZE && error.origin() == Origin::local_file);
    outcome.end = End::too_long;
  } catch (const Incomplete&) {
    outcome.end = End::incomplete;
  }
  return outcome;
}

}  // namespace

/// Three bytes choose the framing, its size and the limit; the stream and its cuts follow.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  constexpr Kind kinds[]{Kind::line, Kind::size, Kind::len32, Kind::all};
  const Framing framing{kinds[data[0] % 4], std::size_t{data[1]} + 1};
  const std::size_t most = data[2];
  const auto pieces = fuzz::pieces_of(std::as_bytes(std::span(data, size).subspan(3)));
  const auto stream = fuzz::joined(pieces);
  assert(framed(framing, most, pieces) == reference(framing, most, fuzz::string_of(stream)));
  return 0;
}
