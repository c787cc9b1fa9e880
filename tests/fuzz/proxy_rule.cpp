// The rules of a proxy, and NO_PROXY: a rule that is understood is the same when it is read again, a network
// that is denied is denied, and an entry of NO_PROXY that has the target is one of the list.
#include "base/words.hpp"
#include "net/address/numeric_address.hpp"
#include "net/proxy/proxy_environment.hpp"
#include "net/proxy/proxy_rules.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

bool same(const ProxyRule& a, const ProxyRule& b) {
  const auto same_network = [](const Network& one, const Network& other) {
    return one.to_string() == other.to_string();
  };
  return std::ranges::equal(a.networks, b.networks, same_network) && a.suffix == b.suffix &&
         a.first_port == b.first_port && a.last_port == b.last_port;
}

}  // namespace

/// Rules or entries, and perhaps a NUL and a host.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto words = fuzz::words_of(data, size);
  const auto host = words.size() > 1 ? words[1] : "www.example.com";
  if (const auto entry = entry_without_proxy(words[0], {host, 80}))
    assert(words[0].find(*entry) != std::string::npos);
  std::vector<ProxyRule> rules;
  for (const auto& word : split_list(words[0])) {
    const auto rule = fuzz::accepted(word, [&] { return parse_proxy_rule(word); });
    if (!rule) return 0;
    assert(rule->first_port <= rule->last_port);
    assert(same(parse_proxy_rule(rule->word), *rule));
    rules.push_back(*rule);
  }
  const auto address = numeric_address(host);
  if (!address) return 0;
  const ProxyRules permitting(rules, {}), denying({}, rules), both(rules, rules);
  const auto target = canonical(*address);
  // What is denied is denied, whatever is permitted; and without permissions no more is permitted than with
  // it.
  if (denying.reason_to_deny(host, target)) assert(both.reason_to_deny(host, target));
  if (!permitting.reason_to_deny(host, target)) assert(both.reason_to_deny(host, target));
  return 0;
}
