// Lists at commas: the words, joined again, are the list.
#include <algorithm>

#include "base/words.hpp"
#include "support.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = fuzz::string_of(std::as_bytes(std::span(data, size)));
  const auto words = sockx::split_list(list);
  assert(words.size() == static_cast<std::size_t>(std::count(list.begin(), list.end(), ',')) + 1);
  std::string joined = words.front();
  for (std::size_t i = 1; i < words.size(); ++i) joined += ',' + words[i];
  assert(joined == list);
  return 0;
}
