#include "net/stream/access_list.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/lookups.hpp"
#include "os/observer.hpp"
#include "os/settings_file.hpp"
#include "os/users.hpp"

namespace sockx {

namespace {

constexpr std::size_t longest_rule = 1024;   // bytes; a host name has at most 253
constexpr std::size_t most_quoted = 200;     // bytes
constexpr std::size_t most_rules = 100'000;  // of a file

std::string_view trimmed(std::string_view line) {
  const auto* const blanks = " \t\r";
  const auto first = line.find_first_not_of(blanks);
  return first == line.npos ? "" : line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

/// The beginning of a word, for a message. A NUL byte is escaped, because it would end the message.
std::string quoted(std::string_view word) {
  return text("'{}{}'", escaped(word.substr(0, most_quoted), ""), word.size() > most_quoted ? "..." : "");
}

/// The rule of a line, as it stands there. Throws BadInput.
AccessRule parse_line(const std::string& word) {
  if (word.size() > longest_rule)
    throw BadInput(text("{}: {} bytes are too many for a rule", quoted(word), word.size()));
  if (word.find('\0') != std::string::npos)
    throw BadInput(text("{}: a rule is text, without NUL bytes", quoted(word)));
  return parse_access_rule(word);
}

AddressAnswer addresses_of(const std::string& host, bool numeric) {
  const AddressQuery query{host, std::nullopt, AF_UNSPEC, SOCK_STREAM, 0, numeric ? AI_NUMERICHOST : 0};
  auto answer = get_address_info(query);
  answer.status.check("getaddrinfo " + host);
  return answer;
}

}  // namespace

Peer Peer::of(const Connection& connection) {
  Peer peer{connection.peer};
  if (peer.address.family() != AF_UNIX || connection.told) return peer;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const int fd = connection.fd();
  const int result = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  observe_call("getsockopt", result, "{}, SOL_SOCKET, SO_PEERCRED, [uid {}]", fd, credentials.uid);
  if (result != 0) throw_errno("getsockopt SO_PEERCRED", Origin::peer);
  peer.user = credentials.uid;
  return peer;
}

std::vector<WrittenRule> parse_access_words(const std::string& list) {
  std::vector<WrittenRule> rules;
  for (const auto& word : split_list(list)) rules.push_back({word, "", parse_access_rule(word)});
  return rules;
}

std::vector<WrittenRule> parse_access_file(const std::string& content, const std::string& path) {
  std::vector<WrittenRule> rules;
  std::size_t number = 0;
  for (std::string_view rest = content; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    const std::string word(trimmed(line.substr(0, line.find('#'))));
    if (word.empty()) continue;
    if (rules.size() == most_rules)
      throw BadInput(text("'{}': a file of rules has at most {} rules", path, most_rules));
    const auto place = text(" ({}, line {})", path, number);
    try {
      rules.push_back({word, place, parse_line(word)});
    } catch (const BadInput& error) {
      throw BadInput(error.what() + place);
    }
  }
  return rules;
}

AccessList::AccessList(const AccessSources& sources)
    : is_selective_(!sources.allow.empty() || !sources.allow_file.empty()),
      expects_proxies_(!sources.proxies.empty()),
      allowed_(look_up(sources.allow, "allow", sources.allow_file, sources.numeric)),
      denied_(look_up(sources.deny, "deny", sources.deny_file, sources.numeric)),
      proxies_(look_up(sources.proxies, "accept-proxy", "", sources.numeric)) {}

AccessList::Rows AccessList::look_up(const std::vector<WrittenRule>& given, const std::string& setting,
                                     const std::string& path, bool numeric) {
  Rows rows;
  try {
    for (const auto& written : given) rows.add(written, numeric);
  } catch (const BadInput& error) {
    throw about(setting, error);
  }
  if (path.empty()) return rows;
  try {
    for (const auto& written : parse_access_file(read_settings_file(path, "rules"), path))
      rows.add(written, numeric);
  } catch (const BadInput& error) {
    throw about(setting + "-file", error);
  }
  return rows;
}

void AccessList::Rows::add(const WrittenRule& written, bool numeric) {
  const auto& [word, place, rule] = written;
  if (const auto* network = std::get_if<Network>(&rule)) {
    add(word, *network);
  } else if (const auto* user = std::get_if<User>(&rule)) {
    try {
      users_.try_emplace(parse_user(user->word), words_.size());
      words_.push_back(word);
    } catch (const BadInput& error) {
      throw BadInput(error.what() + place);
    }
  } else {
    for (const auto& tuple : addresses_of(std::get<HostName>(rule).name, numeric).tuples)
      add(word, Network(tuple.address));
  }
}

void AccessList::Rows::add(const std::string& word, const Network& network) {
  networks_[{network.family, network.prefix, network.scope}].try_emplace(network.bytes, words_.size());
  words_.push_back(word);
}

const std::string* AccessList::Rows::match(const Peer& peer) const {
  auto first = words_.size();
  const auto take = [&first](const auto& rules, const auto& key) {
    if (const auto found = rules.find(key); found != rules.end()) first = std::min(first, found->second);
  };
  if (peer.user) take(users_, *peer.user);
  const auto family = peer.address.family();
  if (is_internet(family)) {
    const Network whole(peer.address);
    for (const auto& [kind, networks] : networks_) {
      const auto& [of_family, prefix, scope] = kind;
      if (of_family == whole.family && (scope == 0 || scope == whole.scope))
        take(networks, whole.within(prefix).bytes);
    }
  }
  return first == words_.size() ? nullptr : &words_[first];
}

std::optional<std::string> AccessList::reason_to_refuse(const Peer& peer) const {
  if (const auto* word = denied_.match(peer)) return text("denied by {}", *word);
  if (is_selective_ && allowed_.match(peer) == nullptr) return "no rule allows it";
  return {};
}

std::optional<std::string> AccessList::reason_to_refuse_proxy(const Peer& peer) const {
  if (proxies_.match(peer) == nullptr) return "it is not one of the proxies that may connect";
  return {};
}

}  // namespace sockx
