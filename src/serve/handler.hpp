// Handler: what a server does with its clients. A new one is a file in serve/ that implements this interface,
// its maker below, and a row of the table in commands/serving/serving.cpp.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "flow/processing.hpp"
#include "net/proxy/proxy_request.hpp"
#include "net/proxy/proxy_rules.hpp"
#include "net/proxy/proxy_users.hpp"
#include "serve/client.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

class Handler {
 public:
  virtual ~Handler() = default;
  /// Called once, before the first client, by the process that serves.
  virtual void begin(EventLoop&) {}
  /// Serves a client until the conversation is over; the connection is closed when this ends. What it throws
  /// is the end of this client only.
  virtual Task<> serve(Client& client) = 0;
  /// Work beside the clients. The server stops when it ends: the clients that are left may still end by
  /// themselves. What it throws ends the server. By default it does nothing and never ends.
  virtual Task<> run() { return sleep_until(never); }
  /// How many descriptors it holds for a client besides the connection.
  virtual std::size_t descriptors() const { return 0; }
  /// While this is set, a connection waits for a place: a client that has ended its half and has received
  /// everything may be ended for it.
  virtual void set_crowded(bool) {}
  /// Whether it has nothing to send by itself at this moment. When a signal ends the server, a client that
  /// has been sent everything then gets FIN; otherwise it gets a reset. Always false where a program, another
  /// server or an endless stream would have gone on.
  virtual bool is_silent() { return false; }
  /// Whether it has files to read again at SIGHUP.
  virtual bool has_files() const { return false; }
  /// Reads them. Throws BadInput, and goes on with what it has read before.
  virtual void reload() {}
};

std::unique_ptr<Handler> make_echo();     // RFC 862
std::unique_ptr<Handler> make_upper();    // echo with the letters of ASCII in upper case
std::unique_ptr<Handler> make_discard();  // RFC 863
std::unique_ptr<Handler> make_chargen();  // RFC 864
std::unique_ptr<Handler> make_daytime();  // RFC 867

/// What is done with the bytes of one client, and by which it is shown: to it, and from it.
struct ClientFilters {
  Processing sent, received;
};
/// Throws Error for a file that cannot be opened: the end of this client.
using MakeClientFilters = std::function<ClientFilters(const Client&)>;

// The clients of these share state, which is kept in the handler and runs on this loop.
struct StdioOptions {
  bool whole_lines = false;                // no line of a client is cut by another's
  Until until = Until::both;               // of each client's conversation
  bool speaks = true;                      // false: standard input is not read
  bool hears = true;                       // false: what clients send is dropped
  bool crlf = false;                       // bare LF of standard input becomes CRLF
  std::optional<std::uint64_t> rate = {};  // bytes a second from each client, and of standard input
  MakeClientFilters filter = {};           // that change nothing
};
/// Clients' bytes merge on standard output; standard input goes to all of them, and its end becomes FIN.
/// Takes the standard streams over; throws Error.
std::unique_ptr<Handler> make_stdio(EventLoop& loop, StdioOptions options);

struct BrokerOptions {
  bool whole_lines = false;  // as above
  bool speaks = false;       // standard input, which it takes over, goes to all
};
/// The bytes of a client go to all others. Throws Error.
std::unique_ptr<Handler> make_broker(EventLoop& loop, BrokerOptions options);

/// Each line goes to all clients, with time and name. Takes the standard streams over, where the operator
/// reads and takes part; ends when standard input does, which `warn` is told unless it is a terminal. Throws
/// Error.
std::unique_ptr<Handler> make_chat(EventLoop& loop, std::function<void(const std::string&)> warn);

/// Each client gets the file, as it is then, and its end. Throws Error when it cannot be read now.
std::unique_ptr<Handler> make_send(std::string path);

struct JoinOptions {
  RelayRules rules;  // the client is the second end
  MakeClientFilters filter = {};
};
/// Each client is joined to an end that is opened for it. When either of the two fails, the other is reset.
std::unique_ptr<Handler> make_join(std::unique_ptr<RelayEnd> end, JoinOptions options = {});

/// A client of a proxy has asked for a target.
struct ProxyEvent {
  const Client& client;
  const ProxyRequest& request;
  const Connection* target;  // null if it is not connected
  ProxyFailure failure;      // why not, for programs
  std::string_view reason;   // and for people
};

struct ProxyOptions {
  ProxyRules rules;
  std::shared_ptr<ProxyUsers> users;  // null: a client need not show who it is
  DialOptions dialing;
  std::optional<Duration> connect_timeout;
  std::optional<Duration> idle_timeout;  // of the handshake, if it is shorter than time_for_layers
  std::function<void(const ProxyEvent&)> tell = [](const ProxyEvent&) {};
};
/// Each client says by SOCKS 4, 4a or 5 or by HTTP CONNECT to which target it is joined. When either end
/// fails, both are reset.
std::unique_ptr<Handler> make_proxy(ProxyOptions options);

}  // namespace sockx
