// ForeignEndpoint: an endpoint as socat(1) and others write it, like TCP-LISTEN:80,fork.
#pragma once

#include <optional>
#include <string>

namespace sockx {

struct ForeignEndpoint {
  std::string word;  // how sockx writes it
  bool is_unix = false, is_datagram = false, listens = false, forks = false;

  /// Nothing for a word that does not begin with the name of a type of socket and a colon.
  static std::optional<ForeignEndpoint> read(const std::string& word);
};

}  // namespace sockx
