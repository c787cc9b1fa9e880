#include "commands/serving/access.hpp"

#include <csignal>

#include "cli/flags.hpp"
#include "flow/on_thread.hpp"

namespace sockx {

namespace {

struct Reading {
  AccessList list = {};
  std::exception_ptr failure = {};
};

void add_rules(Flags& flags, const std::string& name, std::vector<WrittenRule>& rules,
               const std::string& help) {
  const auto read = [&rules](const std::string& list) {
    for (auto& rule : parse_access_words(list)) rules.push_back(std::move(rule));
  };
  flags.add_value(name, "RULE[,RULE...]", read, help).repeatable();
}

}  // namespace

void add_access_flags(Flags& flags, AccessSources& sources) {
  const HelpSection section(flags, "Who may connect");
  add_rules(flags, "--allow", sources.allow,
            "serve only peers of these networks, hosts and users (repeatable): CIDR, HOST, uid:USER");
  add_rules(flags, "--deny", sources.deny, "do not serve these, even when they are allowed (repeatable)");
  flags.add_file("--allow-file", sources.allow_file,
                 "rules as for --allow, one per line; read again at SIGHUP");
  flags.add_file("--deny-file", sources.deny_file, "rules as for --deny, one per line; read again at SIGHUP");
}

AccessControl::AccessControl(Context& context, const AccessSources& sources, std::optional<AccessList> known)
    : context_(context), sources_(sources), list_(std::move(known)), asked_(context.loop()) {}

Task<> AccessControl::load() {
  if (!sources_.are_given()) co_return;
  std::function<Reading()> work = [sources = sources_]() -> Reading {
    try {
      return {AccessList(sources)};
    } catch (...) {
      return {{}, std::current_exception()};
    }
  };
  auto reading = co_await on_thread<Reading>(std::move(work));
  if (!reading->failure) {
    const bool is_reload = list_.has_value();
    list_ = std::move(reading->list);
    if (is_reload) context_.log.info("the rules of who may connect have been read again");
    if (is_reload) context_.report.event("reloaded", {});
  } else if (!list_) {
    std::rethrow_exception(reading->failure);
  } else {
    const auto failure = describe_failure(reading->failure);
    context_.log.warn("{}: the old rules stay in force", failure.message);
  }
}

std::optional<std::string> AccessControl::reason_to_refuse(const Connection& connection) const {
  if (!list_) return {};
  try {
    return list_->reason_to_refuse(Peer::of(connection));
  } catch (const Error& error) {
    return error.what();
  }
}

bool AccessControl::handle_signal(int signal) {
  if (signal != SIGHUP || !sources_.have_files()) return false;
  is_asked_ = true;
  asked_.notify();
  return true;
}

Task<> AccessControl::attend() {
  for (;;) {
    while (!is_asked_) {
      co_await asked_.wait();
    }
    is_asked_ = false;
    co_await load();
  }
}

}  // namespace sockx
