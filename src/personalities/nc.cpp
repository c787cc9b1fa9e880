#include "personalities/nc.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "cli/context.hpp"
#include "cli/report.hpp"
#include "os/signals.hpp"
#include "personalities/nc_datagrams.hpp"
#include "personalities/nc_options.hpp"
#include "personalities/nc_run.hpp"
#include "personalities/nc_streams.hpp"

namespace sockx {

namespace {

constexpr std::array<std::string_view, 3> names_of_nc{"nc", "netcat", "nc.sockx"};

Task<> task_of(NcRun& run) {
  const auto& o = run.options;
  if (o.is_udp && o.listens) return run_nc_datagram_server(run);
  if (o.is_udp) return o.is_unix() ? run_nc_unix_datagram_client(run) : run_nc_datagram_client(run);
  if (o.listens) return run_nc_server(run);
  return o.is_unix() ? run_nc_unix_client(run) : run_nc_client(run);
}

int run(const NcOptions& options) {
  Report report({});
  report.keep_standard_output_for_payload();
  Log log({LogLevel::off, false, ""}, report);
  Context context(report, log);
  NcRun running(options, context);
  int signal = 0;
  try {
    // A shell changes the settings of the terminal when it continues a job.
    const auto handle = [&running](int caught) {
      if (!SignalCatcher::is_repeatable(caught)) return false;
      if (running.terminal_mode != nullptr) running.terminal_mode->renew();
      return true;
    };
    SignalCatcher::Rules signals;
    if (options.proxy_user) signals.repeatable = {SIGCONT};
    context.run(task_of(running), {}, handle, std::move(signals));
  } catch (const Interrupted& interrupted) {
    signal = interrupted.signal();
  } catch (...) {
    running.warn(nc_message(std::current_exception()));
    running.status = 1;
  }
  report.finish();
  if (signal != 0) die_by_signal(signal);
  return running.status;
}

}  // namespace

bool is_name_of_nc(const std::string& called) {
  return std::ranges::find(names_of_nc, called.substr(called.rfind('/') + 1)) != names_of_nc.end();
}

int run_nc(const std::vector<std::string>& words) {
  try {
    return run(parse_nc(words));
  } catch (const NcEnd& end) {
    std::fputs(end.what(), stderr);
    return end.status();
  }
}

}  // namespace sockx
