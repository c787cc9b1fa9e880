// What the codecs of socket options share: plain structures as bytes, numbers, values that are their text.
#pragma once

#include "base/words.hpp"
#include "net/option/option_value.hpp"

namespace sockx::option_bytes {

using Bytes = std::optional<std::string>;

template <class Plain>
std::string bytes_of(const Plain& plain) {
  return std::string(reinterpret_cast<const char*>(&plain), sizeof plain);
}

/// What is missing at the end counts as zero.
template <class Plain>
Plain read(std::string_view bytes) {
  Plain plain{};
  bytes.copy(reinterpret_cast<char*>(&plain), sizeof plain);
  return plain;
}

/// In decimal, or in hexadecimal with 0x in front.
template <class Number>
std::optional<Number> parse_number(std::string_view word) {
  if (!word.starts_with("0x")) return number_in<Number>(word);
  word.remove_prefix(2);
  return word.starts_with('-') ? std::nullopt : number_in<Number>(word, 16);
}

/// A value that is its text for programs too.
inline OptionValue shown_text(const std::string& text, std::vector<OptionMember> members = {}) {
  return {text, text, std::move(members)};
}

}  // namespace sockx::option_bytes
