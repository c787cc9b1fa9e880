// transform_unsafe(): text in which what is unsafe to show is replaced.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"

namespace sockx {

/// The text with `replace(character)` in place of each character that is unsafe to show, see
/// first_character(), and of each other for which `also(character)` is true.
template <class Replace, class Also>
std::string transform_unsafe(std::string_view text, Replace replace, Also also) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto [size, is_safe] = first_character(text);
    const auto character = text.substr(0, size);
    if (is_safe && !also(character))
      safe += character;
    else
      safe += replace(character);
    text.remove_prefix(size);
  }
  return safe;
}

template <class Replace>
std::string transform_unsafe(std::string_view text, Replace replace) {
  return transform_unsafe(text, std::move(replace), [](std::string_view) { return false; });
}

}  // namespace sockx
