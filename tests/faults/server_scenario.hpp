// ServerScenario: a server with several clients, run again and again with another fault each time.
#pragma once

#include <string>
#include <vector>

#include "../support/transport.hpp"

namespace test {

struct ServerScenario {
  std::string name;
  std::vector<std::string> words;  // of listen --keep-open, the endpoint excepted
  bool has_target = false;         // TARGET among the words, and in the opening, is an echo server
  std::vector<std::string> target_words = {};  // more options of that
  /// Calls whose failure costs a client its connection although the fault table calls it harmless.
  std::vector<std::string> costly = {};
  Transport over = Transport::Kind::plain;
  /// What each client says first, and what it is answered when it is served.
  std::string opening = {}, answer = {};
};

/// Meets every fault of the table at some calls of its kind, while three clients at once send a stream and
/// have it back, one of them after a message; and checks each time that
///  - a harmless fault costs nobody anything, another at most one client, whose bytes are a beginning;
///  - the server goes on: a fourth client is served whole;
///  - no descriptor and no child process is left, and SIGTERM is the end of it;
///  - it ends by itself only before it listens, with one line that says why.
void meet_every_fault(const ServerScenario& scenario);

}  // namespace test
