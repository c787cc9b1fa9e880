#include "commands/datagram/raw.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/flag_groups.hpp"
#include "commands/datagram/datagram_flags.hpp"
#include "commands/datagram/datagram_output.hpp"
#include "commands/datagram/datagram_streams.hpp"
#include "commands/datagram/datagram_summary.hpp"
#include "net/address/lookups.hpp"
#include "net/address/names.hpp"
#include "net/datagram/raw_socket.hpp"

namespace sockx {

namespace {

/// Throws BadInput.
void read_words(RawOptions& o, const std::vector<std::string>& words) {
  o.raw.protocol = parse_protocol(words.front());
  if (o.raw.protocol < 1 || o.raw.protocol > 255)
    throw BadInput(text("'{}': a protocol of IP is a number from 1 to 255 or a name", words.front()));
  if (o.raw.protocol == IPPROTO_RAW && !o.raw.ip_header)
    throw BadInput(text("'{}': that protocol only sends packets with --ip-header", words.front()));
  if (words.size() < 2) return;
  o.host = words[1];
  if (o.host.empty()) throw BadInput("'': the host is empty");
}

void check(const RawOptions& o) {
  const bool hears_all = o.host.empty();
  if ((o.exchange.send_flags & MSG_MORE) != 0)
    throw BadInput("--send-flags: more joins datagrams of UDP, and no packets: say dontroute");
  if (hears_all && !o.raw.ip_header && (o.exchange.expected || o.exchange.reply_timeout))
    throw BadInput("without HOST nothing is sent: leave --expect and --reply-timeout out");
  if (hears_all && !o.raw.ip_header &&
      (o.exchange.framing || o.exchange.rate.is_set() || o.exchange.send_flags != 0 || o.raw.checksum))
    throw BadInput("without HOST nothing is sent: leave --framing, --rate, --send-flags and --checksum out");
  check_peeking(o.exchange, o.exchange.expected || (hears_all && !o.raw.ip_header && o.datagrams));
}

void check_room(std::span<const std::byte> payload, std::size_t offset) {
  if (offset + 2 > payload.size())
    throw BadInput(text("--checksum: '{}': this packet has {}, and no room for it there", offset,
                        counted(payload.size(), "byte")));
}

/// Puts the checksum of an IPv4 protocol at `offset` of the payload, which follows the IP header if there is
/// one.
void fill_checksum(std::vector<std::byte>& packet, std::size_t offset, bool has_header) {
  const auto begin = has_header ? ipv4_header_size(packet) : 0;
  const auto payload = std::span(packet).subspan(begin);
  check_room(payload, offset);
  payload[offset] = payload[offset + 1] = std::byte{0};
  const auto checksum = internet_checksum(payload);
  payload[offset] = static_cast<std::byte>(checksum >> 8U);
  payload[offset + 1] = static_cast<std::byte>(checksum & 0xffU);
}

/// Completes a packet before it is sent.
std::function<void(std::vector<std::byte>&)> finisher(const RawSocketOptions& options, int family) {
  if (!options.checksum) return {};
  if (family == AF_INET6)  // the kernel fills it in
    return [offset = *options.checksum](std::vector<std::byte>& packet) { check_room(packet, offset); };
  return [offset = *options.checksum, has_header = options.ip_header](std::vector<std::byte>& packet) {
    fill_checksum(packet, offset, has_header);
  };
}

RecordLimit limit_of(int family, bool ip_header) {
  constexpr std::size_t longest = 65535, header = 20;
  const bool is_ipv4 = family == AF_INET;
  return {is_ipv4 && !ip_header ? longest - header : longest, "a packet",
          text("{} has room for", is_ipv4 ? "IPv4" : "IPv6")};
}

Task<> run_raw(Context& context, RawOptions options, std::optional<DatagramSummary>& summary) {
  auto& loop = co_await this_loop();
  auto& exchange = options.exchange;
  auto end = co_await open_raw(options.host, options.raw);
  const int family = end.local.family();
  if (family == AF_INET6 && options.raw.checksum && options.raw.ip_header)
    throw BadInput("--checksum: over IPv6 the kernel fills it in, and only without --ip-header");
  exchange.is_client = !options.host.empty() || options.raw.ip_header;
  if (exchange.is_client)
    exchange.send_limit = options.datagrams;
  else
    exchange.receive_limit = options.datagrams;
  exchange.limit = limit_of(family, options.raw.ip_header);
  exchange.finish = finisher(options.raw, family);
  if (options.raw.ip_header)
    exchange.destination_of = [family](std::span<const std::byte> packet) {
      return destination_in_header(packet, family);
    };
  if (!options.raw.ip_header && family == AF_INET) exchange.head_of_received = ipv4_header_size;
  context.log.info("receiving {}{}", protocol_name(options.raw.protocol),
                   end.peer ? text(" from {}", end.peer->host()) : "");
  DatagramStreams streams(loop, exchange.is_client);
  streams.set_reply_timeout(exchange);
  summary.emplace(context);
  auto observer = summary->observer(options.format.value_or(DatagramFormat::hex));
  auto borrowed = streams.borrowed();
  co_await sockx::exchange(std::move(end), borrowed, std::move(exchange), summary->tally,
                           std::move(observer));
}

}  // namespace

void declare(Flags& flags, RawOptions& o) {
  const auto& words = flags.add_words(2, "PROTOCOL [HOST]", {ValueKind::protocol, ValueKind::host});
  flags.add_flag("--ip-header", o.raw.ip_header,
                 "packets include the IP header when sent, and over IPv4 also when shown");
  flags
      .add_number("--checksum", o.raw.checksum, 0U, 65534U,
                  "write the Internet checksum of the payload into it at byte OFFSET")
      .value_name("OFFSET");
  add_network_flags(flags, o.raw.socket, false);
  flags.get("--source").help("use this local address");
  add_input_flags(flags, o.exchange);
  flags.add_count("--datagrams", o.datagrams,
                  "send no more than N packets; without HOST: end when N have arrived");
  add_expect_flags(flags, o.exchange);
  add_format_flag(flags, o.format, "hex");
  add_recv_flags(flags, o.exchange.recv_flags);
  add_idle_timeout_and_deadline(flags, o.limits);
  flags.set_examples({{"sockx raw icmp", "show received ICMP messages"},
                      {"printf '\\010\\0\\0\\0\\0\\1\\0\\1hello' | sockx raw icmp 192.0.2.7 --framing all "
                       "--checksum 2 --expect 1",
                       "a ping: an echo request, and its reply"}});
  flags.when_read([&o, &words] {
    read_words(o, words);
    check(o);
  });
}

ExitCode run(Context& context, const RawOptions& given) {
  auto options = given;
  options.exchange.is_udp = false;
  options.exchange.idle_timeout = options.limits.idle;
  options.raw.socket.tells_facts =
      options.format == DatagramFormat::json || context.log.shows(LogLevel::debug);
  context.report.keep_standard_output_for_payload();
  std::optional<DatagramSummary> summary;
  context.run(run_raw(context, std::move(options), summary), given.limits.whole_run);
  if (summary) summary->complete();
  return ExitCode::done;
}

}  // namespace sockx
