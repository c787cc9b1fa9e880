// RelayEnd: one of the two that a relay joins, such as a connection, a program or a terminal.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "flow/relay.hpp"
#include "net/stream/dial.hpp"
#include "net/stream/listen.hpp"
#include "os/terminal_mode.hpp"
#include "serve/program.hpp"

namespace sockx {

/// An end that has been opened. Dropping it closes it.
class OpenEnd {
 public:
  virtual ~OpenEnd() = default;
  /// For relay(). It borrows from this.
  virtual Duplex duplex() = 0;
  /// Null for what is no connection.
  virtual Connection* connection() { return nullptr; }
  /// Whether nothing is missing when a signal ends the run while this end's input is silent and all of it has
  /// been delivered. A program or a server would have gone on.
  virtual bool is_whole_when_silent() const { return false; }
  /// Whether a user types its input.
  virtual bool is_typed() const { return false; }
  /// The window of the user's terminal may have another size, and a shell may have changed the settings of
  /// that terminal while this process was stopped.
  virtual void note_window() {}
  /// After the relay: until the end has come to its own end. What has been cut off by the end of the session
  /// has `grace` for that, and else it has until `limit`. Throws std::runtime_error for a program that
  /// failed, and TimedOut.
  virtual Task<> wait(Duration /*grace*/, Deadline /*limit*/) { co_return; }
};

/// What an end is opened for. Both are empty where there is no connection at the other end.
struct OpenedFor {
  const Connection* client = nullptr;  // at the other end
  std::shared_ptr<void> place = {};    // of that client at a server
};

/// Opens an end, any number of times.
class RelayEnd {
 public:
  virtual ~RelayEnd() = default;
  /// What is to be done before the other end is opened: a listener listens. Throws as open().
  virtual Task<> prepare() { co_return; }
  /// Throws what ends the run, or, in a server, the client.
  virtual Task<std::unique_ptr<OpenEnd>> open(OpenedFor what) = 0;
  /// How many descriptors one that is open holds.
  virtual std::size_t descriptors() const { return 1; }
  /// Whether its input never ends by itself.
  virtual bool never_ends() const { return false; }
};

/// A connection that exists.
std::unique_ptr<OpenEnd> open_connection(Connection connection);

struct DialedEnd {
  Endpoint to;
  DialOptions dialing;
  std::optional<Duration> limit;  // for each connection
  bool tells_client = false;      // each connection is given the ends of the client's: Connection::forwarded
};
/// Each time a new connection to the endpoint.
std::unique_ptr<RelayEnd> make_dialed_end(DialedEnd options);

/// Each time a new process. The environment of the program describes the client.
std::unique_ptr<RelayEnd> make_program_end(ProgramCall call);

/// Standard input and output. A terminal that is standard input is put in raw mode if `keys_pass`: so every
/// key that the user types is a byte for the other end.
std::unique_ptr<RelayEnd> make_standard_end(bool keys_pass);

/// A file that is read from its beginning; what the other end says is dropped.
std::unique_ptr<RelayEnd> make_file_source(std::string path);
enum class FileMode { truncate, append };
/// A file that is written, and created where there is none. It says nothing.
std::unique_ptr<RelayEnd> make_file_sink(std::string path, FileMode mode);

/// A new pseudo-terminal, in raw mode. It has ended when a program that had it open has closed it; with a
/// link it waits for the next.
struct PtyEnd {
  std::string link;  // a symbolic link to it, while it is open; empty for none
  std::function<void(const std::string& path)> tell;
};
std::unique_ptr<RelayEnd> make_pty_end(PtyEnd options);

/// A serial line, for one program at a time: it is locked by flock(2). Throws Error for a device that is not
/// there.
std::unique_ptr<RelayEnd> make_serial_end(std::string path, SerialLine line);

}  // namespace sockx
