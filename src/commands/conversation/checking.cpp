#include "commands/conversation/checking.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/flags.hpp"
#include "cli/time_limits.hpp"
#include "commands/stream/tls_flags.hpp"
#include "net/address/port_list.hpp"
#include "net/stream/scan.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration default_timeout = 5s;
constexpr std::array states{PortState::open,        PortState::refused,       PortState::timed_out,
                            PortState::unreachable, PortState::proxy_refused, PortState::failed};
constexpr std::size_t parallel_by_proxy = 32;  // ports at a time: a proxy has limits of its own

/// With a stored cookie connect(2) would succeed without sending anything.
void check_that_peer_is_asked(const StreamOptions& stream) {
  for (const auto& setting : stream.settings)
    if (setting.option->name == "TCP_FASTOPEN_CONNECT")
      throw BadInput(text("'{}': it would find every port open", setting.word));
}

std::vector<Field> fields_of(const PortResult& result) {
  std::vector<Field> fields{
      {"address", result.host()}, {"port", result.port()}, {"state", std::string(name_of(result.state))}};
  if (result.error != 0) {
    fields.push_back({"errno", result.error});
    if (const char* const name = strerrorname_np(result.error)) fields.push_back({"error", name});
  }
  if (!result.reply.empty()) fields.push_back({"reply", result.reply});
  fields.push_back({"seconds", seconds(result.span)});
  return fields;
}

/// The failure of the last attempt.
std::exception_ptr last_failure(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const GivenUp& given_up) {
    return given_up.last_failure();
  } catch (...) {
    return thrown;
  }
}

/// The result for a port; nothing if the failure has another cause.
std::optional<PortResult> result_of(const std::exception_ptr& failure, const Address& address,
                                    Duration span) {
  const int error = describe_failure(failure).error;
  const auto state = port_state(error);
  if (state == PortState::open || state == PortState::failed) return {};
  return PortResult{address, state, error, strerror(error), span};
}

void report(Context& context, const PortResult& result, const TlsFacts* tls = nullptr) {
  auto fields = fields_of(result);
  if (tls != nullptr) std::ranges::move(fields_of(*tls), std::back_inserter(fields));
  context.report.result(text("{} {}{}, {:.3f} s{}", result.to_string(), name_of(result.state),
                             result.reason.empty() ? "" : ": " + result.reason, seconds(result.span),
                             tls != nullptr ? text("\n{}", shown(*tls)) : ""),
                        "check", fields);
}

Task<> check(Context& context, Endpoint endpoint, DialOptions dialing, RedialOptions how, ExitCode& status) {
  using Kind = DialEvent::Kind;
  std::optional<Address> tried;
  bool was_asked = false;  // a proxy, in the last attempt
  dialing.tell = [&tried, &was_asked, also = dialing.tell](const DialEvent& event) {
    if (!tried || event.kind == Kind::connected) tried = event.address;
    if (event.kind == Kind::trying || event.kind == Kind::asking_proxy)
      was_asked = event.kind == Kind::asking_proxy;
    also(event);
  };
  std::optional<HostPort> target;  // behind a proxy
  if (!dialing.route.empty()) target = target_behind(dialing.route, endpoint);
  const auto begun = Clock::now();
  std::exception_ptr failure;
  std::shared_ptr<const TlsFacts> tls;
  try {
    auto connection =
        co_await redial_visibly(context, std::move(endpoint), std::move(dialing), std::move(how));
    tls = connection.tls;
    if (!connection.stream.is_plain()) {  // the peer would miss the end of TLS
      co_await connection.stream.finish_writing(after(default_timeout));
    }
  } catch (...) {
    failure = std::current_exception();
  }
  const auto span = Clock::now() - begun;
  if (!failure) {
    report(context, {*tried, PortState::open, 0, "", span, target}, tls.get());
    co_return;
  }
  std::optional<PortResult> result;
  if (target)
    result = result_behind_proxy(last_failure(failure), *target, was_asked, span);
  else if (tried)
    result = result_of(last_failure(failure), *tried, span);
  if (result) report(context, *result);
  if (!result) std::rethrow_exception(failure);
  status = context.answer(failure);
}

/// Collects the results of a scan and reports them.
class ScanReport {
 public:
  ScanReport(Context& context, const ScanTarget& target)
      : context_(context), target_(target), begun_(Clock::now()) {}

  void add(const PortResult& result) {
    const auto port = static_cast<std::uint16_t>(result.port());
    ports_[static_cast<std::size_t>(result.state)].push_back(port);
    if (result.state == PortState::open) open_.push_back(result);
    if (context_.report.has_events()) context_.report.record("check", fields_of(result));
  }
  std::size_t count(PortState state) const { return ports_[static_cast<std::size_t>(state)].size(); }
  void tell();

 private:
  Context& context_;
  const ScanTarget& target_;
  Clock::time_point begun_;
  std::array<std::vector<std::uint16_t>, states.size()> ports_;
  std::vector<PortResult> open_;
};

void ScanReport::tell() {
  std::vector<std::string> lines;
  std::sort(open_.begin(), open_.end(),
            [](const PortResult& one, const PortResult& other) { return one.port() < other.port(); });
  for (const auto& open : open_) lines.push_back(text("{} open", open.to_string()));
  for (const auto state : states) {
    auto& ports = ports_[static_cast<std::size_t>(state)];
    std::sort(ports.begin(), ports.end());
    if (state != PortState::open && !ports.empty())
      lines.push_back(text("{}: {}", name_of(state), show_port_list(ports)));
  }
  context_.report.result(joined(lines, "\n"), "scan",
                         {{"host", target_.host},
                          {"ports", target_.ports.size()},
                          {"open", count(PortState::open)},
                          {"refused", count(PortState::refused)},
                          {"timed_out", count(PortState::timed_out)},
                          {"unreachable", count(PortState::unreachable)},
                          {"proxy_refused", count(PortState::proxy_refused)},
                          {"failed", count(PortState::failed)},
                          {"seconds", seconds(Clock::now() - begun_)}});
}

}  // namespace

void add_check_flags(Flags& flags, CheckOptions& target) {
  const auto check =
      flags.add_flag("--check", target.check, "only report whether the port is open (time limit: 5s)");
  const auto scan = flags.add_flag(
      "--scan", target.scan,
      "report which of many ports are open; PORT is a list like 22,80,8000-8100,http; status 4 "
      "unless all are open, or with --any one");
  scan.excludes(check);
  flags
      .add_number(
          "--parallel", target.parallel, 1, 1000000000,
          "check N ports at a time (default: as many as the limit of open files allows; 32 through a proxy)")
      .needs(scan);
  flags.add_flag("--any", target.any, "succeed if at least one port is open, instead of all").needs(scan);
}

ExitCode run_check(Context& context, const Endpoint& endpoint, DialOptions dialing, const RetryOptions& retry,
                   const TimeLimits& limits) {
  check_that_peer_is_asked(dialing.stream);
  if (endpoint.is_adopted()) throw BadInput(text("--check: '{}' is connected already", endpoint.to_string()));
  auto status = ExitCode::done;
  context.run(check(context, endpoint, std::move(dialing),
                    redial_options(context, retry, limits.connect.value_or(default_timeout)), status),
              limits.whole_run);
  return status;
}

ExitCode run_scan(Context& context, const ScanTarget& target, const CheckOptions& flags, DialOptions dialing,
                  const TimeLimits& limits) {
  check_that_peer_is_asked(dialing.stream);
  ScanReport results(context, target);
  ScanOptions options;
  const auto most = dialing.route.empty() ? affordable_sockets() : parallel_by_proxy;
  options.stream = std::move(dialing.stream);
  options.route = std::move(dialing.route);
  options.ports = target.ports;
  options.timeout = limits.connect.value_or(default_timeout);
  options.parallel = flags.parallel.value_or(most);
  options.tell = [&results](const PortResult& result) { results.add(result); };
  context.run(scan(target.host, std::move(options)), limits.whole_run);
  results.tell();
  const auto asked = target.ports.size(), open = results.count(PortState::open);
  if (flags.any ? open > 0 : open == asked) return ExitCode::done;
  return context.answer(std::make_exception_ptr(
      NotOpen(text("scan {}: {} of {} {} open", target.host, open == 0 ? "none" : text("{}", open),
                   counted(asked, "port"), asked == 1 || open == 1 ? "is" : "are"))));
}

}  // namespace sockx
