#include "cli/exit_code.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <stdexcept>
#include <string>

#include "base/error.hpp"
#include "net/address/lookups.hpp"

using namespace sockx;

namespace {

template <class Exception>
std::exception_ptr thrown(Exception exception) {
  return std::make_exception_ptr(std::move(exception));
}

}  // namespace

TEST_CASE("exit code: every failed call maps to the status of the table in sockx(1)") {
  struct Row {
    int number;
    Origin origin;
    ExitCode status;
  };
  constexpr auto peer = Origin::peer;
  for (const auto& [number, origin, status] : {
           Row{ECONNREFUSED, peer, ExitCode::refused},
           Row{ENOENT, peer, ExitCode::refused},
           Row{ETIMEDOUT, peer, ExitCode::timed_out},
           Row{ENETUNREACH, peer, ExitCode::unreachable},
           Row{EHOSTUNREACH, peer, ExitCode::unreachable},
           Row{ENETDOWN, peer, ExitCode::unreachable},
           Row{EHOSTDOWN, peer, ExitCode::unreachable},
           Row{EADDRNOTAVAIL, peer, ExitCode::unreachable},
           Row{ECONNRESET, peer, ExitCode::reset_by_peer},
           Row{EPIPE, peer, ExitCode::reset_by_peer},
           Row{ECONNABORTED, peer, ExitCode::reset_by_peer},
           Row{EACCES, peer, ExitCode::cannot_bind_or_open},
           Row{EPERM, peer, ExitCode::cannot_bind_or_open},
           Row{EPROTOTYPE, peer, ExitCode::other_failure},
           Row{EADDRINUSE, Origin::local_address, ExitCode::cannot_bind_or_open},
           Row{EACCES, Origin::local_address, ExitCode::cannot_bind_or_open},
           Row{EADDRNOTAVAIL, Origin::local_address, ExitCode::cannot_bind_or_open},
           Row{ENOSPC, Origin::local_file, ExitCode::local_io},
           Row{ENOENT, Origin::local_file, ExitCode::local_io},
           Row{EEXIST, Origin::local_file, ExitCode::local_io},
           Row{EPIPE, Origin::local_file, ExitCode::local_io},
           Row{ENOSPC, Origin::standard_output, ExitCode::local_io},
           Row{EMFILE, Origin::system, ExitCode::other_failure},
           Row{EAFNOSUPPORT, Origin::system, ExitCode::other_failure},
       }) {
    CAPTURE(number);
    CAPTURE(static_cast<int>(origin));
    const auto failure = describe_failure(thrown(Error(number, "call it", origin)));
    CHECK(failure.status == status);
    CHECK(failure.error == number);
    CHECK(failure.message == "call it: " + std::generic_category().message(number));
  }
}

TEST_CASE("exit code: the other exceptions have theirs") {
  struct Row {
    std::exception_ptr thrown;
    ExitCode status;
    std::string message;
    int error;
    std::string name;
  };
  for (const auto& row : {
           Row{thrown(BadInput("'x': no")), ExitCode::usage, "'x': no", 0, ""},
           Row{thrown(ResolveError("getaddrinfo x", "EAI_NONAME", "not known")), ExitCode::name_not_resolved,
               "getaddrinfo x: EAI_NONAME: not known", 0, "EAI_NONAME"},
           Row{thrown(ResolveError("getservbyname x", "", "no such service")), ExitCode::name_not_resolved,
               "getservbyname x: no such service", 0, ""},
           Row{thrown(TimedOut("too late")), ExitCode::timed_out, "too late", ETIMEDOUT, "ETIMEDOUT"},
           Row{thrown(Incomplete("1 of 2")), ExitCode::incomplete, "1 of 2", 0, ""},
           Row{thrown(TlsError("no TLS")), ExitCode::tls, "no TLS", 0, ""},
           Row{thrown(ProxyError("no proxy")), ExitCode::proxy, "no proxy", 0, ""},
           Row{thrown(std::runtime_error("else")), ExitCode::other_failure, "else", 0, ""},
       }) {
    CAPTURE(row.message);
    const auto failure = describe_failure(row.thrown);
    CHECK(failure.status == row.status);
    CHECK(failure.message == row.message);
    CHECK(failure.error == row.error);
    CHECK(failure.name == row.name);
  }
}

TEST_CASE(
    "exit code: a message names settings in the words of the command line, or in those of another one") {
  struct Row {
    std::exception_ptr thrown;
    std::string message, of_another;
  };
  const BadInput plain("'x': no");
  const auto word_of_another = [](const std::string& setting) { return "-" + setting.substr(0, 1); };
  for (const auto& row : {
           Row{thrown(BadInput("source", "'x': no")), "--source: 'x': no", "-s: 'x': no"},
           Row{thrown(advise(plain, "type seqpacket")), "'x': no; say --type seqpacket",
               "'x': no; say -t seqpacket"},
           Row{thrown(about("mcast-ttl", advise(plain, "udp-listen 53"))),
               "--mcast-ttl: 'x': no; say sockx udp --listen 53", "-m: 'x': no; say -u 53"},
           Row{thrown(about("mptcp", Error(EPERM, "socket"))), "--mptcp: socket: Operation not permitted",
               "-m: socket: Operation not permitted"},
       }) {
    CHECK(describe_failure(row.thrown).message == row.message);
    CHECK(describe_failure(row.thrown, word_of_another).message == row.of_another);
  }
  CHECK(std::string(BadInput("source", "'x': no").what()) == plain.what());
}

TEST_CASE("exit code: the numbers are those of the manual") {
  CHECK(static_cast<int>(ExitCode::done) == 0);
  CHECK(static_cast<int>(ExitCode::other_failure) == 1);
  CHECK(static_cast<int>(ExitCode::usage) == 2);
  CHECK(static_cast<int>(ExitCode::name_not_resolved) == 3);
  CHECK(static_cast<int>(ExitCode::refused) == 4);
  CHECK(static_cast<int>(ExitCode::timed_out) == 5);
  CHECK(static_cast<int>(ExitCode::unreachable) == 6);
  CHECK(static_cast<int>(ExitCode::reset_by_peer) == 7);
  CHECK(static_cast<int>(ExitCode::cannot_bind_or_open) == 8);
  CHECK(static_cast<int>(ExitCode::incomplete) == 9);
  CHECK(static_cast<int>(ExitCode::local_io) == 11);
}

TEST_CASE("exit code: only a broken pipe of standard output is a broken standard output") {
  CHECK(is_broken_standard_output(thrown(Error(EPIPE, "write stdout", Origin::standard_output))));
  CHECK_FALSE(is_broken_standard_output(thrown(Error(ENOSPC, "write stdout", Origin::standard_output))));
  CHECK_FALSE(is_broken_standard_output(thrown(Error(EPIPE, "write file", Origin::local_file))));
  CHECK_FALSE(is_broken_standard_output(thrown(Error(EPIPE, "send peer", Origin::peer))));
  CHECK_FALSE(is_broken_standard_output(thrown(std::runtime_error("else"))));
}
