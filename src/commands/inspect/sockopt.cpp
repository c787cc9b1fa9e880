#include "commands/inspect/sockopt.hpp"

// process's.
#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "cli/flags.hpp"
#include "cli/table.hpp"
#include "commands/inspect/inspected_socket.hpp"
#include "net/address/names.hpp"
#include "net/option/option_effect.hpp"
#include "net/socket_facts.hpp"
#include "os/other_process.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

/// Runs `call`. If the socket does not have the option, the error says so.
template <class Call>
auto with_reason(int socket, const SocketOption& option, Call call) try {
  return call();
} catch (const Error& error) {
  if (error.number() != ENOPROTOOPT && error.number() != EOPNOTSUPP) throw;
  const auto ask = [socket](int number, std::string_view name) {
    return socket_query(socket, number, name).value_or(0);
  };
  throw Error(error.number(),
              text("this socket ({} {}) has no {}", address_families.name_of(ask(SO_DOMAIN, "SO_DOMAIN")),
                   socket_types.name_of(ask(SO_TYPE, "SO_TYPE")), option.name));
}

// --- list

std::string name_of(SocketOption::Access access) {
  switch (access) {
    case SocketOption::Access::read:
      return "read";
    case SocketOption::Access::write:
      return "write";
    case SocketOption::Access::both:
      break;
  }
  return "both";
}

Value value_of(const OptionScalar& scalar) {
  return std::visit([](const auto& plain) { return Value(plain); }, scalar);
}

std::string or_dash(const std::string& word) { return word.empty() ? "-" : word; }

/// Nothing if this socket does not have the option, or cannot tell its value now.
std::optional<OptionValue> value_on(int socket, const SocketOption& option) try {
  if (!option.is_readable()) return {};
  return decode(option.type, read_option(socket, option));
} catch (const Error&) {
  return {};
}

std::string cell_of(const SocketOption& option, const OptionValue& value) {
  constexpr std::size_t most = 24;
  if (value.text.empty()) return "''";
  const bool is_long = option.type == OptionType::bytes && value.text.size() > most;
  return is_long ? counted(value.text.size() / 2, "byte") : value.text;
}

void list_options(Context& context, const InspectedSocketOptions& options) {
  const auto socket = open_inspected_socket(context, options);
  const bool is_new = !options.fd && options.peer.empty();
  const std::string value_column = is_new ? "default" : "value";
  Table table({"name", "level", "type", "access", value_column, "meaning"});
  for (const auto& option : socket_options()) {
    const std::string name(option.name), type(name_of(option.type)), meaning(option.help);
    const auto level = level_name(option.level), access = name_of(option.access);
    std::vector<Field> fields{{"name", name}, {"level", level}, {"type", type}, {"access", access}};
    const bool is_left_alone = !is_new && option.type == OptionType::error;  // reading it clears it
    const auto value = is_left_alone ? std::nullopt : value_on(socket.fd, option);
    if (value) fields.push_back({value_column, value_of(value->scalar)});
    fields.push_back({"meaning", meaning});
    table.add({name, level, type, access, value ? cell_of(option, *value) : "-", meaning}, std::move(fields));
  }
  table.tell(context.report, "option");
}

void list_sockets(Context& context, int pid) {
  const OtherProcess process(pid);
  Table table({"fd", "family", "type", "protocol", "state", "local", "peer"});
  for (const int number : process.descriptors()) {
    auto duplicate = process.duplicate(number);
    if (!duplicate || !is_socket(duplicate->get())) continue;
    const auto facts = facts_of(Socket(std::move(*duplicate)));
    const auto family = address_families.name_of(facts.family), type = socket_types.name_of(facts.type);
    const auto protocol = protocol_name(facts.protocol);
    table.add({std::to_string(number), family, type, protocol, facts.state, or_dash(facts.local),
               or_dash(facts.peer)},
              {{"fd", number},
               {"family", family},
               {"type", type},
               {"protocol", protocol},
               {"state", facts.state},
               {"local", facts.local},
               {"peer", facts.peer}});
  }
  table.tell(context.report, "socket");
}

// --- get

/// Times are seconds for programs.
Value value_of(const OptionMember& member) {
  const double per_second = member.unit == "us" ? 1e6 : member.unit == "ms" ? 1e3 : 0;
  const auto* const number = std::get_if<std::uint64_t>(&member.value);
  return number && per_second > 0 ? Value(static_cast<double>(*number) / per_second) : value_of(member.value);
}

std::string shown(const OptionMember& member) {
  return plain_text(value_of(member.value)) + (member.unit.empty() ? "" : " ") + std::string(member.unit);
}

void tell_value(Context& context, const SocketOption& option, const OptionValue& value, bool names_option) {
  std::vector<Field> fields{{"name", std::string(option.name)},
                            {"level", level_name(option.level)},
                            {"value", value_of(value.scalar)},
                            {"text", value.text}};
  const auto prefix = names_option ? std::string(option.name) : "";
  for (const auto& member : value.members) fields.push_back({std::string(member.name), value_of(member)});
  const auto line_of = [&](const OptionMember& member) {
    return text("{}{}{} {}", prefix, names_option ? "." : "", member.name, shown(member));
  };
  context.report.result(value.members.empty() ? prefix + (names_option ? " " : "") + value.text
                                              : joined(value.members, "\n", line_of),
                        "value", fields);
}

void tell_bytes(Context& context, const SocketOption& option, const std::string& bytes, bool names_option) {
  const auto digits = hexadecimal(bytes);
  context.report.result(names_option ? text("{} {}", option.name, digits) : digits, "value",
                        {{"name", std::string(option.name)},
                         {"level", level_name(option.level)},
                         {"bytes", digits},
                         {"size", bytes.size()}});
}

void get(Context& context, const SockoptOptions& options, const std::vector<const SocketOption*>& wanted) {
  const auto socket = open_inspected_socket(context, options.socket);
  const bool names_option = wanted.size() > 1;
  for (const auto* option : wanted) {
    const auto read = [&] {
      return options.raw ? read_option(socket.fd, *option, *options.raw) : read_option(socket.fd, *option);
    };
    const auto bytes = with_reason(socket.fd, *option, read);
    if (options.raw)
      tell_bytes(context, *option, bytes, names_option);
    else
      tell_value(context, *option, decode(option->type, bytes), names_option);
  }
}

std::vector<const SocketOption*> options_to_get(const std::vector<std::string>& names) {
  if (names.empty()) throw BadInput("get what? Say names of options, as `sockx sockopt list` shows them");
  std::vector<const SocketOption*> wanted;
  for (const auto& name : names) {
    const auto& option = find_option(name);
    if (!option.is_readable())
      throw BadInput(text("'{}': {} can only be set: {}", name, option.name, option.help));
    wanted.push_back(&option);
  }
  return wanted;
}

// --- set

void tell_effect(Context& context, const OptionSetting& setting, const OptionEffect& effect) {
  const std::string name(setting.option->name);
  std::vector<Field> fields{{"name", name}, {"asked", setting.value}};
  if (effect.value) fields.push_back({"effective", value_of(effect.value->scalar)});
  if (!effect.reason.empty()) fields.push_back({"reason", effect.reason});
  const auto effective = effect.value ? text(", effective {}", effect.value->text) : "";
  const auto reason = effect.reason.empty() ? "" : text(" ({})", effect.reason);
  context.report.result(text("{}: asked {}{}{}", name, setting.value, effective, reason), "set", fields);
}

/// Options that were set before stay set, and a failure names them.
void set_one(int socket, const OptionSetting& setting, const std::string& done) {
  const auto so_far = done.empty() ? "" : text("; {} had been set", done);
  try {
    with_reason(socket, *setting.option, [&] { apply_typed(socket, setting); });
  } catch (const BadInput& error) {
    throw BadInput(error.what() + so_far);
  } catch (const Error& error) {
    const std::string what = error.what(), why = ": " + error.code().message();
    throw Error(error.number(), what.substr(0, what.size() - why.size()) + so_far, error.origin());
  }
}

void set(Context& context, const SockoptOptions& options, const std::vector<std::string>& words) {
  if (words.empty()) throw BadInput("set what? Say NAME=VALUE");
  std::vector<OptionSetting> settings;
  settings.reserve(words.size());
  for (const auto& word : words) settings.push_back(OptionSetting::parse(word));
  const auto socket = open_inspected_socket(context, options.socket);
  std::string done;
  for (const auto& setting : settings) {
    set_one(socket.fd, setting, done);
    tell_effect(context, setting, effect_of(socket.fd, setting));
    done += (done.empty() ? "" : ", ") + std::string(setting.option->name);
  }
}

// --- which of them

/// For `--connect HOST PORT`: the port would be taken for the name of an option.
void refuse_port_of_peer(const std::string& peer, const std::vector<std::string>& words) {
  const bool is_host = !peer.empty() && peer.find(':') == std::string::npos;
  if (is_host && !words.empty() && is_all_digits(words.front()))
    throw BadInput(
        text("--connect: '{0} {1}': the endpoint is one word: say --connect {0}:{1}", peer, words.front()));
}

}  // namespace

ExitCode run(Context& context, const SockoptOptions& options) {
  const auto& given = options.socket;
  const auto verb = options.words.empty() ? "" : options.words.front();
  const std::vector<std::string> rest(options.words.begin() + (options.words.empty() ? 0 : 1),
                                      options.words.end());
  if (verb != "list" && verb != "get" && verb != "set")
    throw BadInput(text("'{}': say list, get or set; see `sockx sockopt --help`", verb));
  refuse_port_of_peer(given.peer, rest);
  if (options.raw && verb != "get") throw BadInput("--raw: it is for get");
  if (verb == "list") {
    if (!rest.empty())
      throw BadInput(text("'{}': one word too many; see `sockx sockopt --help`", rest.front()));
    if (given.pid && !given.fd)
      list_sockets(context, *given.pid);
    else
      list_options(context, given);
    return ExitCode::done;
  }
  if (given.pid && !given.fd) throw BadInput("--pid: also say which of its sockets: --fd N");
  if (verb == "get")
    get(context, options, options_to_get(rest));
  else
    set(context, options, rest);
  return ExitCode::done;
}

void declare(Flags& flags, SockoptOptions& o) {
  const auto& words =
      flags.add_word_list("list|get|set [NAME[=VALUE]...]", {ValueKind::choice, ValueKind::socket_option});
  flags.words().choices = {"list", "get", "set"};
  add_inspected_socket_flags(flags, o.socket);
  flags.add_number("--raw", o.raw, 1, 65536, "read up to LEN bytes, and show them in hexadecimal")
      .value_name("LEN");
  flags.set_examples(
      {{"sockx sockopt list --family inet6 --type dgram", "all options, and their values on a new socket"},
       {"sockx sockopt set rcvbuf=65536", "show the value that the kernel stores"},
       {"sockx sockopt get --connect example.com:80 TCP_INFO",
        "all that the kernel knows about a connection"},
       {"sockx sockopt list --pid 4711", "the sockets of a running process"},
       {"sockx sockopt set --pid 4711 --fd 3 nodelay=on", "change one of them"}});
  flags.when_read([&o, &words] { o.words = words; });
}

}  // namespace sockx
