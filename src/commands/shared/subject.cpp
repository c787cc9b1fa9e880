#include "commands/shared/subject.hpp"

#include <netinet/in.h>

#include <limits>

#include "commands/shared/dialing.hpp"
#include "net/lookups.hpp"
#include "net/names.hpp"
#include "os/error.hpp"
#include "os/other_process.hpp"
#include "os/socket_query.hpp"

namespace sockx {

namespace {

constexpr int not_given = SubjectFlags::not_given;

int or_else(int given, int otherwise) { return given == not_given ? otherwise : given; }

Task<> connect(Context& context, const SubjectFlags& flags, std::optional<Subject>& subject) {
  auto endpoint = Endpoint::parse({*flags.peer}, Endpoint::Role::connecting);
  if (endpoint.is_adopted()) throw BadInput(text("--connect: '{}': say --fd", *flags.peer));
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
  subject.emplace(std::move(dialed.socket));
}

}  // namespace

Subject open_subject(Context& context, const SubjectFlags& flags) {
  if (flags.pid) {
    auto duplicate = OtherProcess(*flags.pid).duplicate(*flags.fd);
    if (!duplicate || !is_socket(duplicate->get()))
      throw BadInput(text("--fd: descriptor {} of process {} is not an open socket", *flags.fd, *flags.pid));
    return Subject(Socket(std::move(*duplicate)));
  }
  if (flags.fd) {
    if (!is_socket(*flags.fd)) throw BadInput(text("--fd: {} is not an open socket", *flags.fd));
    return Subject(*flags.fd);
  }
  if (flags.peer) {
    std::optional<Subject> subject;
    context.run(connect(context, flags, subject));
    return std::move(*subject);
  }
  return Subject(Socket::open(or_else(flags.family, AF_INET), or_else(flags.type, SOCK_STREAM),
                              or_else(flags.protocol, 0)));
}

void add_subject_flags(CLI::App& app, SubjectFlags& flags) {
  auto* const family = add_constant(app, "--family", flags.family, address_families,
                                    "a new socket's address family (default: inet)")
                           ->option_text("FAMILY");
  auto* const type =
      add_constant(app, "--type", flags.type, socket_types, "a new socket's type (default: stream)")
          ->option_text("TYPE");
  const auto read_protocol = [&flags](const std::string& word) { flags.protocol = parse_protocol(word); };
  auto* const protocol = add_read(app, "--protocol", read_protocol,
                                  "a new socket's protocol (default: what family and type imply)")
                             ->option_text("PROTOCOL");
  constexpr int most = std::numeric_limits<int>::max();
  auto* const fd =
      app.add_option("--fd", flags.fd, "the socket that was inherited as, or that a process has as, N")
          ->option_text("N")
          ->check(CLI::Range(0, most));
  auto* const pid =
      app.add_option("--pid", flags.pid, "a running process, whose sockets stay as they are otherwise")
          ->option_text("PID")
          ->check(CLI::Range(1, most));
  auto* const peer = app.add_option("--connect", flags.peer, "a socket that is connected to ENDPOINT")
                         ->option_text("ENDPOINT");
  for (auto* const other : {fd, pid}) {
    other->excludes(peer);
    for (auto* const of_new : {family, type, protocol}) other->excludes(of_new);
  }
  add_connect_timeout(app, flags.limits);
  app.get_option("--connect-timeout")->needs(peer);
}

}  // namespace sockx
