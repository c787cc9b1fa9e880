// LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES: descriptors from 3 on without a gap, and their names as they
// were.
#include "net/stream/service_manager.hpp"
#include "support.hpp"

using namespace sockx;

/// The three, with a NUL between; one that is missing is not set.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto words = fuzz::words_of(data, size);
  ActivationVariables variables;
  variables.pid = words[0];
  if (words.size() > 1) variables.fds = words[1];
  if (words.size() > 2) variables.names = words[2];
  constexpr pid_t own = 17;
  try {
    const auto sockets = parse_activation(variables, own);
    assert(std::strtol(words[0].c_str(), nullptr, 10) == own);
    assert(static_cast<long>(sockets.size()) == std::strtol(words[1].c_str(), nullptr, 10));
    std::string names;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      assert(sockets[i].fd == static_cast<int>(i) + 3);
      names += (i == 0 ? "" : ":") + sockets[i].name;
    }
    if (variables.names) assert(names == *variables.names);
  } catch (const BadInput& refusal) {
    const std::string message = refusal.what();
    assert(message.starts_with("LISTEN_"));
    const auto quoted = message.find('\'');
    if (quoted == std::string::npos) return assert(words.size() < 2), 0;
    bool quotes_one = false;
    for (const auto& word : words) quotes_one |= fuzz::quotes(message.substr(quoted), word);
    assert(quotes_one);
  }
  return 0;
}
