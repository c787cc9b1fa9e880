// AccessList: which peers may connect.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "net/stream/access_rule.hpp"
#include "net/stream/connection.hpp"

namespace sockx {

/// The other end of a connection.
struct Peer {
  Address address;
  std::optional<uid_t> user = {};  // of the peer of a unix socket: SO_PEERCRED in unix(7); never a told one

  /// Throws Error.
  static Peer of(const Connection& connection);
};

/// A rule, and its place in a file, for messages.
struct WrittenRule {
  std::string word;
  std::string place = {};  // " (rules, line 3)", or nothing
  AccessRule rule;
};

/// Throws BadInput.
std::vector<WrittenRule> parse_access_words(const std::string& list);  // separated by commas
/// One rule a line; empty lines, and what follows a '#', say nothing. Throws BadInput, which tells the line.
std::vector<WrittenRule> parse_access_file(const std::string& content, const std::string& path);

/// Where rules are written.
struct AccessSources {
  std::vector<WrittenRule> allow, deny;
  std::string allow_file, deny_file;  // paths, or empty
  std::vector<WrittenRule> proxies;   // who may connect, and must tell by a PROXY header for whom
  bool numeric = false;               // no look-up of hosts
  bool are_given() const { return !allow.empty() || !deny.empty() || have_files() || !proxies.empty(); }
  bool have_files() const { return !allow_file.empty() || !deny_file.empty(); }
};

class AccessList {
 public:
  /// Every peer may connect.
  AccessList() = default;
  /// Reads the files and looks the names up, and so blocks. Throws BadInput, ResolveError.
  explicit AccessList(const AccessSources& sources);

  /// Why the peer may not connect: a rule denies it, or there are rules that allow others only.
  std::optional<std::string> reason_to_refuse(const Peer& peer) const;
  /// Whether connections come from proxies only, which tell the address of the client by a PROXY header.
  bool expects_proxies() const { return expects_proxies_; }
  /// Why the peer may not connect as a proxy.
  std::optional<std::string> reason_to_refuse_proxy(const Peer& peer) const;

 private:
  /// Rules in their order, to be found in a time that hardly grows with their number.
  class Rows {
   public:
    /// Looks names up. Throws BadInput, ResolveError.
    void add(const WrittenRule& written, bool numeric);
    /// The word of the first rule that means the peer, or null.
    const std::string* match(const Peer& peer) const;

   private:
    using Kind = std::tuple<int, unsigned, std::uint32_t>;  // family, prefix, scope
    using Bytes = decltype(Network::bytes);
    void add(const std::string& word, const Network& network);
    std::vector<std::string> words_;
    std::map<Kind, std::map<Bytes, std::size_t>> networks_;  // to the index of the first word
    std::map<uid_t, std::size_t> users_;
  };
  static Rows look_up(const std::vector<WrittenRule>& given, const std::string& setting,
                      const std::string& path, bool numeric);
  bool is_selective_ = false;  // a peer that no rule allows is denied
  bool expects_proxies_ = false;
  Rows allowed_, denied_, proxies_;
};

}  // namespace sockx
