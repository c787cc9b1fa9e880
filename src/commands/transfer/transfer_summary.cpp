#include "commands/transfer/transfer_summary.hpp"

#include "base/text.hpp"
#include "cli/units.hpp"
#include "commands/stream/proxy_flags.hpp"

namespace sockx {

std::string show_transfer(std::uint64_t bytes, std::string_view towards, std::string_view peer,
                          Duration span) {
  return text("{} {} {} in {}, {}", counted(bytes, "byte"), towards, peer, show_duration(span),
              show_rate(static_cast<double>(bytes) / seconds(span)));
}

std::vector<Field> cost_fields(const std::optional<Cost>& cost, const std::string& prefix) {
  const auto field = [&](const char* name, auto of) {
    return Field{prefix + name, cost ? Value(of(*cost)) : Value()};
  };
  return {field("user_seconds", [](const Cost& known) { return known.usage.user; }),
          field("system_seconds", [](const Cost& known) { return known.usage.system; }),
          field("system_calls", [](const Cost& known) { return known.system_calls; }),
          field("voluntary_switches", [](const Cost& known) { return known.usage.voluntary_switches; }),
          field("involuntary_switches", [](const Cost& known) { return known.usage.involuntary_switches; })};
}

TransferSummary::TransferSummary(Context& context, Kind kind, const Connection& connection, std::string file,
                                 Line line)
    : context_(context),
      kind_(kind),
      peer_(peer_name(connection)),
      file_(std::move(file)),
      peer_fields_(peer_fields(connection)),
      line_(std::move(line)),
      report_(context, [this](bool complete) { tell(complete); }) {}

void TransferSummary::tell(bool complete) const {
  const auto span = Clock::now() - begun_;
  const Cost cost{Usage::now() - usage_, stats.system_calls};
  const bool is_sent = kind_ == Kind::sent;
  if (!stats.why_fell_back.empty())
    context_.log.debug("fell back to {} for {}: {}", stats.method, file_, stats.why_fell_back);
  auto fields = peer_fields_;
  const std::vector<Field> moved{{"file", file_},
                                 {"complete", complete},
                                 {"bytes", stats.bytes},
                                 {"seconds", seconds(span)},
                                 {"bytes_per_second", static_cast<double>(stats.bytes) / seconds(span)},
                                 {"method", stats.method}};
  fields.insert(fields.end(), moved.begin(), moved.end());
  if (is_sent) fields.push_back({"copied_bytes", stats.copied});
  for (auto& field : cost_fields(cost)) fields.push_back(std::move(field));
  const auto shown = show_transfer(stats.bytes, is_sent ? "to" : "from", peer_, span);
  context_.report.result(line_(shown, stats, cost, complete), is_sent ? "sent" : "received", fields);
}

}  // namespace sockx
