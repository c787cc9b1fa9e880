// Endpoints: what is understood is shown in a notation that is understood as the same.
#include "net/address/endpoint.hpp"

#include <cstring>

#include "support.hpp"

using namespace sockx;

namespace {

bool are_same(const Address& a, const Address& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

bool are_same(const Endpoint& a, const Endpoint& b) {
  if (a.where.index() != b.where.index()) return false;
  if (const auto* one = std::get_if<HostPort>(&a.where)) {
    const auto& other = std::get<HostPort>(b.where);
    return one->host == other.host && one->port == other.port;
  }
  if (const auto* one = std::get_if<Address>(&a.where)) return are_same(*one, std::get<Address>(b.where));
  if (const auto* one = std::get_if<PassedFd>(&a.where))
    return are_same(one->at, std::get<PassedFd>(b.where).at);
  return std::get<InheritedFd>(a.where).fd == std::get<InheritedFd>(b.where).fd;
}

/// Hosts that can be said in two words only.
bool is_prefix(const HostPort& end) { return end.host == "unix" || end.host == "vsock" || end.host == "fd"; }

void check(const std::vector<std::string>& words, Endpoint::Role role) {
  const auto typed = words.size() == 1 ? words[0] : words[0] + ' ' + words[1];
  const auto endpoint = fuzz::accepted(typed, [&] { return Endpoint::parse(words, role); });
  if (!endpoint) return;
  const auto* const end = std::get_if<HostPort>(&endpoint->where);
  if (end != nullptr) assert(end->port != 0 || role == Endpoint::Role::listening);
  if (end != nullptr && is_prefix(*end)) return;
  const bool is_port_alone = end != nullptr && end->host.empty();
  const auto shown = is_port_alone ? std::to_string(end->port) : endpoint->to_string();
  assert(are_same(*endpoint, Endpoint::parse({shown}, role)));
}

/// A port that is accepted is the number that was typed.
void check_port(const std::string& word) {
  const auto port = fuzz::accepted(word, [&] { return parse_port(word); });
  if (!port || word.find_first_not_of("0123456789") != std::string::npos) return;
  const auto digits = word.substr(std::min(word.find_first_not_of('0'), word.size() - 1));
  assert(digits == std::to_string(*port));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto words = fuzz::words_of(data, size);
  if (words.size() > 2) words.resize(2);  // the command line has refused more
  check(words, Endpoint::Role::connecting);
  check(words, Endpoint::Role::listening);
  check_port(words.back());
  return 0;
}
