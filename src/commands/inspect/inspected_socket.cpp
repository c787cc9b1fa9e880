#include "commands/inspect/inspected_socket.hpp"

#include <netinet/in.h>

#include <limits>

#include "base/error.hpp"
#include "cli/flag_groups.hpp"
#include "commands/stream/dialing.hpp"
#include "net/address/lookups.hpp"
#include "net/address/names.hpp"
#include "os/other_process.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

constexpr int not_given = InspectedSocketOptions::not_given;

int or_else(int given, int otherwise) { return given == not_given ? otherwise : given; }

Task<> connect(Context& context, const InspectedSocketOptions& flags,
               std::optional<InspectedSocket>& socket) {
  auto endpoint = Endpoint::parse({flags.peer}, Endpoint::Role::connecting);
  if (endpoint.is_adopted()) throw BadInput(text("--connect: '{}': say --fd", flags.peer));
  StreamOptions stream;
  stream.type = or_else(flags.type, SOCK_STREAM);
  stream.family = or_else(flags.family, AF_UNSPEC);
  stream.mptcp = flags.protocol == IPPROTO_MPTCP;
  if (stream.type != SOCK_STREAM && stream.type != SOCK_SEQPACKET)
    throw BadInput("--connect: a connection is of --type stream or seqpacket");
  if (stream.family != AF_UNSPEC && stream.family != AF_INET && stream.family != AF_INET6)
    throw BadInput("--connect: --family chooses between inet and inet6");
  if (flags.protocol != not_given && flags.protocol != IPPROTO_TCP && !stream.mptcp)
    throw BadInput("--connect: --protocol chooses between tcp and mptcp");
  auto dialing = dial_options(context, stream);
  dialing.deadline = deadline_in(flags.limits.connect);
  auto dialed = co_await dial(std::move(endpoint), std::move(dialing));
  socket.emplace(Socket(std::move(dialed.stream).release()));
}

}  // namespace

InspectedSocket open_inspected_socket(Context& context, const InspectedSocketOptions& flags) {
  if (flags.pid) {
    auto duplicate = OtherProcess(*flags.pid).duplicate(*flags.fd);
    if (!duplicate || !is_socket(duplicate->get()))
      throw BadInput(text("--fd: descriptor {} of process {} is not an open socket", *flags.fd, *flags.pid));
    return InspectedSocket(Socket(std::move(*duplicate)));
  }
  if (flags.fd) {
    if (!is_socket(*flags.fd)) throw BadInput(text("--fd: {} is not an open socket", *flags.fd));
    return InspectedSocket(*flags.fd);
  }
  if (!flags.peer.empty()) {
    std::optional<InspectedSocket> socket;
    context.run(connect(context, flags, socket));
    return std::move(*socket);
  }
  return InspectedSocket(Socket::open(or_else(flags.family, AF_INET), or_else(flags.type, SOCK_STREAM),
                                      or_else(flags.protocol, 0)));
}

void add_inspected_socket_flags(Flags& flags, InspectedSocketOptions& target) {
  const auto family = flags.add_constant("--family", target.family, address_families, "FAMILY",
                                         "a new socket's address family (default: inet)");
  const auto type = flags.add_constant("--type", target.type, socket_types, "TYPE",
                                       "a new socket's type (default: stream)");
  const auto read_protocol = [&target](const std::string& word) { target.protocol = parse_protocol(word); };
  const auto protocol =
      flags.add_value("--protocol", "PROTOCOL", read_protocol,
                      "a new socket's protocol (default: what family and type imply)", ValueKind::protocol);
  constexpr int most = std::numeric_limits<int>::max();
  const auto fd =
      flags.add_number("--fd", target.fd, 0, most,
                       "the socket with descriptor N: an inherited one or, with --pid, of that process");
  const auto pid = flags.add_number("--pid", target.pid, 1, most, "use the sockets of this running process")
                       .value_name("PID")
                       .kind(ValueKind::process);
  const auto peer = flags.add_text("--connect", target.peer, "ENDPOINT",
                                   "a new socket, after connecting it to ENDPOINT", ValueKind::endpoint);
  for (const auto other : {fd, pid}) {
    other.excludes(peer);
    for (const auto of_new : {family, type, protocol}) other.excludes(of_new);
  }
  add_connect_timeout(flags, target.limits);
  flags.get("--connect-timeout").needs(peer);
}

}  // namespace sockx
