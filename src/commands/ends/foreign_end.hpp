// ForeignEnd: an end of a relay as socat(1) writes it, like EXEC:ls or OPENSSL-LISTEN:443.
#pragma once

#include <optional>
#include <string>

namespace sockx {

struct ForeignEnd {
  std::string word;     // how sockx writes it as an end; empty where it has none
  std::string instead;  // what to use where it has none
  bool forks = false;   // --keep-open

  /// Nothing for a word that does not begin with the name of a type of address of socat, in capitals or,
  /// where it could be no host, in small letters, or of a serial device.
  static std::optional<ForeignEnd> read(const std::string& word, bool is_first);
  /// A serial line, `tty:/dev/ttyS0,speed=115200`, from the path and what follows it,
  /// `/dev/ttyS0,b115200,raw`.
  static ForeignEnd serial(const std::string& rest);
  /// "say listen:80, and --keep-open"
  std::string advice() const;
};

}  // namespace sockx
