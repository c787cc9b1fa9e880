// The faults that travel as exceptions from the system up to the command line.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace sockx {

/// What a failure says about the user's settings besides what(). Settings have names, not flags: "source",
/// "mcast-ttl", and where it matters a value, "type seqpacket". describe_failure() puts the words of the
/// command line in their place.
struct Settings {
  std::string wrong;  // the one that cannot be as it is: "--source: " in front of the message
  std::string mend;   // the one that would help: "; say --broadcast" at the end
};

/// Whose fault it was. With the errno this decides the exit status (cli/exit_code.hpp).
enum class Origin {
  system,           // a call without an address or file: socket(2), epoll_create(2)
  local_address,    // bind(2), listen(2): an address of this host
  peer,             // connect(2), recv(2), send(2): the other side of a connection
  local_file,       // a file, or a pipe that is not standard output
  child,            // a program that we have started
  process,          // another process: pidfd_open(2), pidfd_getfd(2)
  standard_output,  // its reader may go away, which is death by SIGPIPE and no error
};

/// A failed system call: "connect 127.0.0.1:9: Connection refused".
class Error : public std::system_error, public Settings {
 public:
  /// `what` names the call and its object; `number` is the errno that the call left.
  Error(int number, const std::string& what, Origin origin = Origin::system)
      : std::system_error(number, std::generic_category(), what), origin_(origin) {}

  int number() const { return code().value(); }
  Origin origin() const { return origin_; }

 private:
  Origin origin_;
};

/// The far end of a sink has gone in good order while nothing was on its way to it: EPIPE before anything was
/// lost.
class SinkGone : public Error {
 public:
  SinkGone(const std::string& what, Origin origin) : Error(EPIPE, what, origin) {}
};

/// A limit of time that the user or a default has set: "no byte in either direction for 2s".
class TimedOut : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A transfer of known length that ended short: "file.bin: 100 of 200 bytes were sent".
class Incomplete : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Bytes that are not what was sent: "chunk at 1048576 of disk.img: its digest is another".
class Corrupt : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A connection that TLS does not allow: its peer cannot be verified, speaks something else, or has broken
/// off: "TLS example.com:443: certificate has expired".
class TlsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a proxy answers instead of a connection, and what is wrong with its answer: "connect example.com:443
/// via proxy 127.0.0.1:1080: host unreachable (SOCKS5 reply 4)".
class ProxyError : public std::runtime_error, public Settings {
 public:
  using std::runtime_error::runtime_error;
};

/// Text from the user that is not what it should be. The message quotes it and says what would be right.
class BadInput : public std::invalid_argument, public Settings {
 public:
  using std::invalid_argument::invalid_argument;
  /// About the value of a setting: `throw BadInput("source", text(...))`.
  BadInput(std::string setting, const std::string& message)
      : std::invalid_argument(message), Settings{std::move(setting), {}} {}
};

/// The failure, with the setting that is wrong: `throw about("mptcp", Error(...))`.
template <class Failure>
Failure about(std::string setting, Failure failure) {
  failure.wrong = std::move(setting);
  return failure;
}

/// The failure, with the setting that would mend it: `throw advise(BadInput(...), "broadcast")`.
template <class Failure>
Failure advise(Failure failure, std::string setting) {
  failure.mend = std::move(setting);
  return failure;
}

/// Whether a call failed because descriptors or memory have run out, which may pass.
bool is_shortage(const Error& error);

/// Throws Error for a call that has just failed; call it before anything else can change errno.
[[noreturn]] void throw_errno(const std::string& what, Origin origin = Origin::system);

}  // namespace sockx
