// transform_unsafe(): text in which what is unsafe to show is replaced.
#pragma once

#include <string>
#include <string_view>

#include "os/text.hpp"

namespace sockx {

/// The text with `replace(character)` in place of each character that is unsafe to show, and of each byte of
/// `also`; see first_character().
template <class Replace>
std::string transform_unsafe(std::string_view text, Replace replace, std::string_view also = "") {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto [size, is_safe] = first_character(text);
    const auto character = text.substr(0, size);
    if (is_safe && also.find(character) == std::string_view::npos)
      safe += character;
    else
      safe += replace(character);
    text.remove_prefix(size);
  }
  return safe;
}

}  // namespace sockx
