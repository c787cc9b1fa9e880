// The constants of the C headers by their names, as --trace shows them and as users type them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sockx {

struct NamedNumber {
  std::string_view name;  // as in C: "AF_INET6"
  int number;
};

/// Constants of one kind. Of several rows with one number, the first gives it its name.
struct NameTable {
  std::string_view kind;    // for messages: "address family"
  std::string_view prefix;  // what users may leave out: "AF_"
  std::span<const NamedNumber> rows;

  /// "AF_INET6", or the number in decimal where it has no name here.
  std::string name_of(int number) const;
  /// "AI_PASSIVE|AI_CANONNAME" for numbers that are bits, "0" for none; what has no name is in hexadecimal.
  std::string names_of(int flags) const;

  /// The names in small letters without the prefix, '-' for '_': "inet6".
  std::vector<std::string> short_names() const;

  /// Reads a name, with or without the prefix and whatever its case ('-' may stand for '_'), or a decimal
  /// number. Throws BadInput, which names what is near or, of a short table, everything.
  int parse(const std::string& word) const;
  /// Reads names separated by commas and joins their bits. Throws BadInput.
  int parse_flags(const std::string& list) const;

 private:
  const NamedNumber* find(const std::string& word) const;
  [[noreturn]] void throw_unknown(const std::string& word) const;
};

/// In capital letters; only those of ASCII change.
std::string upper_case(std::string_view word);

}  // namespace sockx
