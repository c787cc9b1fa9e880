// The words for the ends of a relay: each comes to one end or to one line that quotes it, and a word without
// a prefix is an endpoint.
#include "commands/ends/end_kind.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

void check(const std::string& word, EndPlace place) {
  const auto end = fuzz::accepted(word, [&] { return parse_end(word, place); });
  if (!end) return;
  assert(int(static_cast<bool>(end->make)) + int(end->listened.has_value()) + int(end->dialed.has_value()) ==
         1);
  if (end->dialed && !has_prefix_of_end(word) && word.find_first_of("[,") == std::string::npos)
    assert(end->dialed->to.to_string() == Endpoint::parse({word}, Endpoint::Role::connecting).to_string());
  fuzz::accepted(word, [&] {
    check_end_of_many(*end, word);
    return true;
  });
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  check(word, EndPlace::first);
  check(word, EndPlace::second);
  return 0;
}
