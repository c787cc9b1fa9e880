// The look-ups of `sockx resolve`, each for one word. They block.
#pragma once

#include <exception>
#include <string>
#include <vector>

#include "cli/report.hpp"

namespace sockx {

/// What to look up for a word.
enum class Question {
  addresses,  // getaddrinfo(3) of a name; of an address, its name by getnameinfo(3)
  canonical,  // the same, but the canonical name
  names,      // getnameinfo(3) of an address, perhaps with a port
  aliases,    // gethostbyname(3) or gethostbyaddr(3), whole
  fqdn,       // the first name with a dot that gethostbyaddr(3) gives, else its first; without one, the word
  own_fqdn,   // the canonical name that getaddrinfo(3) gives for this host's name, as hostname(1) -f has it
  service,    // services(5), both ways
  protocol,   // protocols(5), both ways
};

/// The result for a word: lines for people and the fields of an event for programs, or a failure.
struct LookupResult {
  struct Call {
    std::string name, arguments, result;
  };
  std::vector<Call> calls;  // for --trace
  std::vector<std::string> lines;
  std::vector<Field> fields;
  std::exception_ptr failure;  // ResolveError; BadInput for a word of the wrong kind
};

/// `family` is for addresses, `flags` (NI_) for names. Never throws.
LookupResult run_lookup(const std::string& word, Question question, int family, int flags);

}  // namespace sockx
