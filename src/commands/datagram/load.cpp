#include "commands/datagram/load.hpp"

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/end_report.hpp"
#include "cli/units.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

namespace {

std::string show_pace(double datagrams_a_second) {
  if (datagrams_a_second >= 1e6) return text("{:.2f} Mpps", datagrams_a_second / 1e6);
  if (datagrams_a_second >= 1e3) return text("{:.1f} kpps", datagrams_a_second / 1e3);
  return text("{:.1f} pps", datagrams_a_second);
}

/// 0 if the time is too short to measure.
double per_second(std::uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

std::string show_report(const LoadReport& report) {
  const auto share =
      report.sent == 0 ? 0 : 100 * static_cast<double>(report.lost()) / static_cast<double>(report.sent);
  const auto jitter =
      report.has_jitter() ? text(", jitter {:.3f} ms", static_cast<double>(report.jitter) / 1e6) : "";
  return text("{} of {} in {}: {}, {}; lost {} ({:.2f} %), reordered {}, duplicated {}{}", report.received,
              counted(report.sent, "datagram"), show_duration(std::chrono::nanoseconds(report.nanoseconds)),
              show_pace(per_second(report.received, report.seconds())),
              show_rate(per_second(report.bytes, report.seconds())), report.lost(), share, report.reordered,
              report.duplicated, jitter);
}

std::vector<Field> fields_of(const LoadReport& report) {
  std::vector<Field> fields{{"sent", report.sent},
                            {"received", report.received},
                            {"bytes", report.bytes},
                            {"lost", report.lost()},
                            {"reordered", report.reordered},
                            {"duplicated", report.duplicated},
                            {"seconds", report.seconds()},
                            {"datagrams_per_second", per_second(report.received, report.seconds())},
                            {"bytes_per_second", per_second(report.bytes, report.seconds())}};
  if (report.has_jitter()) fields.push_back({"jitter", static_cast<double>(report.jitter) / 1e9});
  return fields;
}

void tell_generated(Context& context, const std::string& peer, const GeneratorTally& tally) {
  const auto span = seconds(tally.time);
  const auto& [datagrams, bytes] = tally.sent;
  context.report.result(
      text("sent {} ({}) to {} in {}: {}, {}; {}", counted(datagrams, "datagram"), counted(bytes, "byte"),
           peer, show_duration(tally.time), show_pace(per_second(datagrams, span)),
           show_rate(per_second(bytes, span)), counted(tally.calls, "system call")),
      "generated",
      {{"peer", peer},
       {"sent", datagrams},
       {"bytes", bytes},
       {"seconds", span},
       {"datagrams_per_second", per_second(datagrams, span)},
       {"bytes_per_second", per_second(bytes, span)},
       {"system_calls", tally.calls}});
}

}  // namespace

void add_load_flags(Flags& flags, LoadOptions& load) {
  const HelpSection section(flags, "Load");
  const auto generate = flags.add_size("--generate", load.size,
                                       "send numbered datagrams of SIZE bytes instead of standard input");
  flags.add_duration("--seconds", load.time, "send them for DURATION").needs("--generate");
  const auto measure =
      flags.add_flag("--measure", load.measures,
                     "measure received load: rate, lost, reordered and duplicated datagrams, jitter");
  measure.needs("--listen");
  flags.exclude({"--listen", "--expect", "--idle-timeout"}, generate);
  flags.exclude({"--handler", "--reply", "--rate", "--datagrams", "--exec", "--sh"}, measure);
  for (const auto load_flag : {generate, measure})
    flags.exclude({"--framing", "--format", "--send-flags", "--recv-flags", "--reply-timeout"}, load_flag);
}

Task<> run_generator(Context& context, DatagramEnd end, GeneratorOptions options) {
  const auto most = std::min<std::size_t>(longest_datagram(*end.peer), 65536);
  if (options.size < LoadHeader::size || options.size > most)
    throw BadInput(text("--generate: '{}': these datagrams have {} to {} bytes", options.size,
                        std::size_t{LoadHeader::size}, most));
  const auto peer = end.peer->to_string();
  GeneratorTally tally;
  EndReport told(context, [&](bool) { tell_generated(context, peer, tally); });
  co_await generate(std::move(end), options, tally);
  told.complete();
  if (!tally.report) {
    context.log.warn("{} has not said what it received", peer);
    co_return;
  }
  auto fields = fields_of(*tally.report);
  fields.insert(fields.begin(), {"peer", peer});
  context.report.result(text("{} received {}", peer, show_report(*tally.report)), "reported", fields);
}

Task<> run_meter(Context& context, DatagramEnd end, MeterOptions options) {
  std::function<void(const MeterResult&)> tell = [&context](const MeterResult& result) {
    auto fields = fields_of(result.report);
    const auto peer = result.source.to_string();
    fields.insert(fields.begin(), {"peer", peer});
    fields.push_back({"complete", result.is_complete});
    fields.push_back({"trains", result.came_in_trains});
    fields.push_back({"dropped_buffers", result.dropped});
    const auto dropped = result.dropped == 0
                             ? ""
                             : text("; the kernel dropped {}, each {}", counted(result.dropped, "buffer"),
                                    result.came_in_trains ? "a train of up to 64 datagrams" : "a datagram");
    context.report.result(
        text("from {}{}: {}{}", peer, result.is_complete ? "" : ", whose end did not arrive",
             show_report(result.report), dropped),
        "measured", fields);
  };
  std::uint64_t foreign = 0;
  EndReport told(context, [&](bool) {
    if (foreign > 0)
      context.log.warn("{} {} of no load", counted(foreign, "datagram"), foreign == 1 ? "was" : "were");
  });
  co_await measure(std::move(end), std::move(options), std::move(tell), foreign);
  told.complete();
}

}  // namespace sockx
