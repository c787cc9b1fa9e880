#include "commands/inspect/getaddrinfo.hpp"

#include <netdb.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flags.hpp"
#include "cli/table.hpp"
#include "cli/time_limits.hpp"
#include "net/address/look_up.hpp"
#include "net/address/lookups.hpp"
#include "net/address/names.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

std::vector<std::string> cells_of(const AddressTuple& tuple) {
  const bool is_v6 = tuple.family == AF_INET6;
  return {address_families.name_of(tuple.family),
          tuple.type == 0 ? "0" : socket_types.name_of(tuple.type),
          protocol_name(tuple.protocol),
          tuple.canonical_name.empty() ? "-" : tuple.canonical_name,
          tuple.address.ntop(),
          std::to_string(tuple.address.port()),
          is_v6 ? std::to_string(tuple.address.flowinfo()) : "-",
          is_v6 ? std::to_string(tuple.address.scope_id()) : "-"};
}

std::vector<Field> fields_of(const AddressTuple& tuple) {
  std::vector<Field> fields{{"family", address_families.name_of(tuple.family)},
                            {"type", socket_types.name_of(tuple.type)},
                            {"protocol", protocol_name(tuple.protocol)},
                            {"protocol_number", tuple.protocol},
                            {"canonical_name", tuple.canonical_name},
                            {"host", tuple.address.ntop()},
                            {"port", tuple.address.port()}};
  if (tuple.family == AF_INET6) {
    fields.push_back({"flowinfo", tuple.address.flowinfo()});
    fields.push_back({"scope_id", tuple.address.scope_id()});
  }
  return fields;
}

void tell(Context& context, const AddressAnswer& answer, Duration span) {
  Table table({"family", "type", "protocol", "canonical", "host", "port", "flowinfo", "scope"});
  for (const auto& tuple : answer.tuples) table.add(cells_of(tuple), fields_of(tuple));
  table.tell(context.report, "addrinfo");
  context.log.info("{} in {:.6f} s", counted(answer.tuples.size(), "tuple"), seconds(span));
  context.report.record("answered", {{"tuples", answer.tuples.size()}, {"seconds", seconds(span)}});
}

Task<> ask(Context& context, const GetaddrinfoOptions& options) {
  const auto& query = options.query;
  const auto asked = text("getaddrinfo {}", query.words());
  const auto begun = Clock::now();
  std::function<AddressAnswer()> work = [query] { return get_address_info(query); };
  const auto answer = co_await look_up(std::move(work), asked, deadline_in(options.timeout));
  const auto span = Clock::now() - begun;
  if (calls_are_observed()) tell_observer("getaddrinfo", query.to_string(), answer.summary());
  answer.status.check(asked);
  tell(context, answer, span);
}

std::optional<std::string> or_null(const std::vector<std::string>& words, std::size_t index) {
  if (index >= words.size() || words[index] == "-") return {};
  return words[index];
}

}  // namespace

void declare(Flags& flags, GetaddrinfoOptions& o) {
  const auto& words = flags.add_words(2, "[HOST] [SERVICE]", {ValueKind::host, ValueKind::service}, false);
  flags.add_constant("--family", o.query.family, address_families, "unspec|inet|inet6",
                     "answer with this address family only");
  flags.add_constant("--socktype", o.query.type, socket_types, "TYPE", "answer for this socket type only");
  const auto read_protocol = [&o](const std::string& word) { o.query.protocol = parse_protocol(word); };
  flags.add_value("--protocol", "PROTOCOL", read_protocol, "answer for this protocol only",
                  ValueKind::protocol);
  flags.add_constants("--flags", o.query.flags, ai_flags, "flags of the call, by their AI_ names");
  flags.add_duration("--timeout", o.timeout, "give up after DURATION");
  flags.set_examples({{"sockx getaddrinfo localhost http", "every way to reach a service"},
                      {"sockx getaddrinfo --flags AI_PASSIVE --socktype stream - 80",
                       "the addresses that a server binds to"},
                      {"sockx getaddrinfo --family inet6 --flags AI_V4MAPPED,AI_ALL localhost",
                       "IPv4 addresses as IPv6 ones"}});
  flags.when_read([&o, &words] {
    if (words.empty()) throw BadInput("getaddrinfo of what? Say a host, a service or both");
    o.query.host = or_null(words, 0);
    o.query.service = or_null(words, 1);
  });
}

ExitCode run(Context& context, const GetaddrinfoOptions& options) {
  if ((options.query.flags & (AI_IDN | AI_CANONIDN)) != 0) use_letters_of_locale();
  context.run(ask(context, options));
  return ExitCode::done;
}

}  // namespace sockx
