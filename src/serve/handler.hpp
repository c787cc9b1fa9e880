// Handler: what a server does with its clients. A new one is a file in serve/ that implements this interface,
// its maker below, a line in CMakeLists.txt and a row of the table in commands/shared/serving.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/stream/dial.hpp"
#include "serve/client.hpp"
#include "serve/program.hpp"

namespace sockx {

class Handler {
 public:
  virtual ~Handler() = default;
  /// Serves a client until the conversation is over; the connection is closed when this ends. What it throws
  /// is the end of this client only.
  virtual Task<> serve(Client& client) = 0;
  /// Works beside the clients, until the server is to stop: then those that are left may still come to their
  /// ends. What it throws ends the server. By default it has nothing to do and never ends.
  virtual Task<> run() { return sleep_until(never); }
  /// Descriptors that it holds for a client besides the connection.
  virtual std::size_t descriptors() const { return 0; }
  /// While this is set, a connection waits that has no place: a client that has nothing more to say, and has
  /// got everything, may be ended for it.
  virtual void set_crowded(bool) {}
  /// Whether it has nothing to say by itself at this moment. When a signal ends the server, a client that has
  /// been sent everything then sees an end; otherwise it meets a reset. Never so where a program, another
  /// server or an endless stream would have gone on.
  virtual bool is_silent() { return false; }
};

std::unique_ptr<Handler> make_echo();     // RFC 862
std::unique_ptr<Handler> make_upper();    // echo with the letters of ASCII in upper case
std::unique_ptr<Handler> make_discard();  // RFC 863
std::unique_ptr<Handler> make_chargen();  // RFC 864
std::unique_ptr<Handler> make_daytime();  // RFC 867

// Of these the clients share something: what is said is kept in the handler, and it runs on this loop.
struct StdioOptions {
  bool whole_lines = false;   // no line of a client is cut by another's
  Until until = Until::both;  // of each client's conversation
};
/// Clients' bytes merge on standard output; standard input goes to all of them, and its end becomes FIN.
/// Takes the standard streams over; throws Error.
std::unique_ptr<Handler> make_stdio(EventLoop& loop, StdioOptions options);

struct BrokerOptions {
  bool whole_lines = false;  // as above
  bool speaks = false;       // standard input, which it takes over, goes to all
};
/// What a client says goes to all others. Throws Error.
std::unique_ptr<Handler> make_broker(EventLoop& loop, BrokerOptions options);

/// Each line goes to all clients, with time and name. Takes the standard streams over, where the operator
/// reads and takes part; ends when standard input does, which `warn` is told unless it is a terminal. Throws
/// Error.
std::unique_ptr<Handler> make_chat(EventLoop& loop, std::function<void(const std::string&)> warn);

/// A program for each client. Throws nothing: a program that cannot be run is the end of its client.
std::unique_ptr<Handler> make_exec(ProgramCall call);
/// Each client gets the file, as it is then, and its end. Throws Error when it cannot be read now.
std::unique_ptr<Handler> make_send(std::string path);

struct ForwardOptions {
  Endpoint to;
  DialOptions dialing;
  std::optional<Duration> connect_timeout;
};
/// Each client is joined to a connection of its own. When either end fails, both are reset.
std::unique_ptr<Handler> make_forward(ForwardOptions options);

}  // namespace sockx
