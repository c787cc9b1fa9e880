#include "commands/shared/datagram_flags.hpp"

#include <sys/socket.h>

#include <array>

#include "commands/shared/message_options.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "os/units.hpp"

namespace sockx {

void add_datagram_flags(CLI::App& app, DatagramOptions& options) {
  auto* const four = app.add_flag_callback(
      "-4", [&] { options.family = AF_INET; }, "use IPv4 only");
  app.add_flag_callback(
         "-6", [&] { options.family = AF_INET6; }, "use IPv6 only")
      ->excludes(four);
  app.add_flag("-n,--numeric", options.numeric, "look up no names: the host must be an address");
  add_read(
      app, "--source", [&](const std::string& word) { options.source = Source::parse(word); },
      "send from this address, port, or both; with --listen: the address to receive on")
      ->option_text("ADDR|:PORT|ADDR:PORT");
  app.add_option("--interface", options.interface, "use this network interface only")->option_text("DEV");
  const auto read_setting = [&](const std::string& word) {
    options.settings.push_back(OptionSetting::parse(word));
  };
  app.add_option_function<std::string>("--opt", read_setting, "set a socket option (repeatable)")
      ->option_text("NAME=VALUE")
      ->allow_extra_args(false)
      ->trigger_on_parse();
}

void add_input_flags(CLI::App& app, ExchangeOptions& options) {
  app.add_option_function<std::string>(
         "--framing", [&](const std::string& word) { options.framing = parse_framing(word); },
         "what of the input is one datagram (default: line; size=1400 for a regular file)")
      ->option_text("line|size=N|len32|all");
  add_read(
      app, "--rate", [&](const std::string& word) { options.pace = parse_pace(word); },
      "send at most so many datagrams or bytes a second, evenly")
      ->option_text("Npps|SIZE");
  add_message_flags(app, "--send-flags", options.send_flags, send_flags(), "flags of every call that sends");
}

void add_expect_flags(CLI::App& app, ExchangeOptions& options) {
  app.add_option("--expect", options.expected, "succeed once N replies have come, and the input has ended")
      ->option_text("N")
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX));
  add_duration(app, "--reply-timeout", options.reply_timeout,
               "wait for DURATION after the last datagram (default: 1s; for ever on a terminal)");
}

void check_peeking(const ExchangeOptions& options, std::optional<std::uint64_t> datagrams) {
  if ((options.recv_flags & MSG_PEEK) != 0 && !datagrams && !options.expected)
    throw BadInput(
        "--recv-flags: with peek a datagram stays and would be shown for ever: say how many, "
        "--datagrams N or --expect N");
}

void add_recv_flags(CLI::App& app, int& flags) {
  add_message_flags(app, "--recv-flags", flags, recv_flags(), "flags of every call that receives");
}

Pace parse_pace(const std::string& word) {
  static constexpr std::array units{Unit{"pps", 1}, Unit{"kpps", 1e3}, Unit{"Mpps", 1e6}};
  Pace pace;
  if (word.ends_with("pps"))
    pace.datagrams = parse_with_unit(word, units).value_or(0);
  else
    pace.bytes = static_cast<double>(parse_size(word));
  if (!pace.is_set())
    throw BadInput(
        text("'{}': a rate is datagrams a second, like 200kpps, or bytes a second, like 50MiB", word));
  return pace;
}

}  // namespace sockx
