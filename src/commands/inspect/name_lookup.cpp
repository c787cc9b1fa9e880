#include "commands/inspect/name_lookup.hpp"

#include <netdb.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "commands/inspect/word_source.hpp"
#include "net/address/endpoint.hpp"
#include "net/address/lookups.hpp"
#include "net/address/names.hpp"
#include "net/address/numeric_address.hpp"

namespace sockx {

namespace {

/// NAME, NAME/PROTOCOL, PORT or PORT/PROTOCOL.
std::array<std::string, 2> split_at_slash(const std::string& word) {
  const auto slash = word.find('/');
  if (slash == std::string::npos) return {word, ""};
  return {word.substr(0, slash), word.substr(slash + 1)};
}

/// A mapped address stays IPv6; a scope has its interface's name.
std::string exact(const Address& address) {
  return address.scope_id() == 0 ? address.ntop() : address.host();
}

class Lookup {
 public:
  Lookup(const std::string& word, int family, int flags) : word_(word), family_(family), flags_(flags) {}

  LookupResult run(Question question) {
    try {
      check_word(word_);
      answer(question);
    } catch (...) {
      result_.failure = std::current_exception();
    }
    return std::move(result_);
  }

 private:
  void answer(Question question) {
    switch (question) {
      case Question::addresses:
      case Question::canonical:
        if (const auto address = numeric_address(word_); address && fits(*address))
          return find_name(*address);
        return find_addresses(question == Question::canonical);
      case Question::names:
        return find_name_and_service();
      case Question::aliases:
        return find_aliases();
      case Question::fqdn:
        return find_fqdn();
      case Question::own_fqdn:
        return find_own_fqdn();
      case Question::service:
        return find_service();
      case Question::protocol:
        return find_protocol();
    }
  }

  bool fits(const Address& address) const { return family_ == AF_UNSPEC || family_ == address.family(); }

  void find_addresses(bool canonical) {
    const auto answer = ask_for_addresses(family_, canonical ? AI_CANONNAME : 0);
    answer.status.check("getaddrinfo " + word_);
    std::vector<std::string> addresses;
    for (const auto& tuple : answer.tuples) addresses.push_back(exact(tuple.address));
    result_.lines = addresses;
    if (canonical) {
      const auto& name = answer.tuples.front().canonical_name;
      result_.lines = {name};
      result_.fields.push_back({"canonical_name", name});
    }
    result_.fields.push_back({"addresses", std::move(addresses)});
  }

  void find_name(const Address& address) {
    const auto answer = ask_for_name(address, NI_NAMEREQD);
    result_.lines = {answer.host};
    result_.fields.push_back({"name", answer.host});
  }

  void find_name_and_service() {
    const auto [address, has_port] = parse_address(word_);
    const auto answer = ask_for_name(address, flags_);
    result_.lines = {has_port ? answer.host + ' ' + answer.service : answer.host};
    result_.fields.push_back({"host", answer.host});
    if (has_port) result_.fields.push_back({"service", answer.service});
  }

  void find_aliases() {
    const auto address = numeric_address(word_);
    const auto answer = ask_for_host(address);
    if (answer.error != 0)
      throw ResolveError(text("{} {}", address ? "gethostbyaddr" : "gethostbyname", word_),
                         host_errors.name_of(answer.error), hstrerror(answer.error));
    const auto& [name, aliases, addresses] = answer.entry;
    result_.lines = {"name " + name, "aliases " + (aliases.empty() ? "-" : plain_text(aliases)),
                     "addresses " + plain_text(addresses)};
    result_.fields = {{"name", name}, {"aliases", aliases}, {"addresses", addresses}};
  }

  void find_fqdn() {
    auto best = word_;
    const auto answer = ask_for_addresses(AF_UNSPEC, 0);
    if (answer.status) {
      const auto host = ask_for_host(answer.tuples.front().address);
      auto names = host.entry.aliases;
      names.insert(names.begin(), host.entry.name);
      const auto dotted =
          std::ranges::find_if(names, [](const auto& name) { return name.find('.') != std::string::npos; });
      if (host.error == 0) best = dotted != names.end() ? *dotted : names.front();
      if (best.empty()) best = word_;
    }
    result_.lines = {best};
    result_.fields.push_back({"fqdn", best});
  }

  void find_own_fqdn() {
    const auto answer = ask_for_addresses(AF_UNSPEC, AI_CANONNAME);
    answer.status.check("getaddrinfo " + word_);
    const auto& name = answer.tuples.front().canonical_name;
    result_.lines = {name};
    result_.fields.push_back({"fqdn", name});
  }

  void find_service() {
    const auto [word, protocol] = split_at_slash(word_);
    if (word_.ends_with('/'))
      throw BadInput(text("'{}': say NAME, PORT, NAME/PROTOCOL or PORT/PROTOCOL", word_));
    const bool by_port = is_all_digits(word);
    const auto* const call = by_port ? "getservbyport" : "getservbyname";
    const auto service =
        by_port ? get_service_by_port(parse_port(word), protocol) : get_service_by_name(word, protocol);
    note(call, text("{}, {}", word, protocol.empty() ? "NULL" : protocol), service ? service->name : "NULL");
    if (!service) throw ResolveError(text("{} {}", call, word_), "", "no such service");
    const auto& [name, aliases, port, of] = *service;
    result_.lines = {text("{} {}/{}{}", name, port, of, aliases.empty() ? "" : " " + plain_text(aliases))};
    result_.fields = {{"name", name}, {"port", port}, {"protocol", of}, {"aliases", aliases}};
  }

  void find_protocol() {
    const bool by_number = is_all_digits(word_);
    const auto* const call = by_number ? "getprotobynumber" : "getprotobyname";
    const auto protocol =
        by_number ? get_protocol_by_number(protocol_number(word_)) : get_protocol_by_name(word_);
    note(call, word_, protocol ? protocol->name : "NULL");
    if (!protocol) throw ResolveError(text("{} {}", call, word_), "", "no such protocol");
    const auto& [name, aliases, number] = *protocol;
    result_.lines = {text("{} {}{}", name, number, aliases.empty() ? "" : " " + plain_text(aliases))};
    result_.fields = {{"name", name}, {"number", number}, {"aliases", aliases}};
  }

  static int protocol_number(const std::string& word) {
    // Beyond a byte of the IP header Linux has its own, as IPPROTO_MPTCP.
    const auto number = number_in<std::uint16_t>(word);
    if (!number) throw BadInput(text("'{}': a protocol's number is 0 to 65535", word));
    return *number;
  }

  AddressAnswer ask_for_addresses(int family, int flags) {
    const AddressQuery query{word_, {}, family, SOCK_STREAM, 0, flags};
    auto answer = get_address_info(query);
    note("getaddrinfo", query.to_string(), answer.summary());
    return answer;
  }

  NameAnswer ask_for_name(const Address& address, int flags) {
    auto answer = get_name_info(address, flags);
    note("getnameinfo", text("{}, {}", address.to_string(), ni_flags.names_of(flags)),
         answer.status ? text("0 ({}, {})", answer.host, answer.service) : answer.status.name());
    // A line of hosts(5) may lack the name.
    if (answer.status && answer.host.empty() && (flags & NI_NAMEREQD) != 0) answer.status.code = EAI_NONAME;
    answer.status.check("getnameinfo " + word_);
    return answer;
  }

  /// By address, or where there is none, by name.
  HostAnswer ask_for_host(const std::optional<Address>& address) {
    auto answer = address ? get_host_by_address(*address) : get_host_by_name(word_);
    note(address ? "gethostbyaddr" : "gethostbyname", address ? address->ntop() : word_,
         answer.error == 0 ? answer.entry.name : text("NULL ({})", host_errors.name_of(answer.error)));
    return answer;
  }

  void note(std::string name, std::string arguments, std::string result) {
    result_.calls.push_back({std::move(name), std::move(arguments), std::move(result)});
  }

  const std::string& word_;
  int family_, flags_;
  LookupResult result_;
};

}  // namespace

LookupResult run_lookup(const std::string& word, Question question, int family, int flags) {
  return Lookup(word, family, flags).run(question);
}

}  // namespace sockx
