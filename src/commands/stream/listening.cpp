#include "commands/stream/listening.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/flag_groups.hpp"
#include "commands/stream/dialing.hpp"
#include "os/new_file.hpp"

namespace sockx {

namespace {

void write_port_file(const std::string& path, std::uint32_t port) {
  NewFile file(path, {});
  file.write(text("{}\n", port));
  file.complete(false);
}

void prepare(Context& context, const Endpoint& endpoint, ListeningOptions& flags) {
  if (flags.options.stream.mptcp)
    flags.options.tell = [&context](const Connection& connection) {
      log_mptcp(context, connection.name(), uses_mptcp(connection.fd()));
    };
  prepare_port_file(flags.port_file, endpoint);
}

void tell(Context& context, const Address& address, const ListeningOptions& flags) {
  std::vector<Field> more;
  if (flags.tls) more = tell_pin(context, *flags.tls, address, flags.pin_file, flags.client);
  tell_listening(context, address, flags.port_file, std::move(more));
}

}  // namespace

void prepare_port_file(const std::string& path, const Endpoint& endpoint) {
  if (path.empty()) return;
  if (!endpoint.has_port()) throw BadInput(text("--port-file: {} has no port", endpoint.to_string()));
  check_folder_of(path);
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) unlink(path.c_str());
}

void tell_listening(Context& context, const Address& address, const std::string& port_file,
                    std::vector<Field> more) {
  context.log.info("listening on {}", address.to_string());
  std::vector<Field> fields{
      {"address", address.to_string()}, {"host", address.host()}, {"port", address.port()}};
  fields.insert(fields.end(), more.begin(), more.end());
  context.report.event("listening", fields);
  if (!port_file.empty()) write_port_file(port_file, address.port());
}

void add_backlog_flag(Flags& flags, int& target) {
  flags.add_number("--backlog", target, 0, 1 << 30, "how many connections may wait to be accepted");
}

void add_socket_file_flags(Flags& flags, SocketFileRights& target) {
  const auto read_mode = [&target](const std::string& word) {
    target.mode = SocketFileRights::parse_mode(word);
  };
  const auto read_owner = [&target](const std::string& word) { target.parse_owner(word); };
  flags.add_value("--mode", "OCTAL", read_mode, "the permissions of a unix socket's file", ValueKind::text);
  flags.add_value("--owner", "USER[:GROUP]", read_owner, "the owner of a unix socket's file",
                  ValueKind::user);
}

void add_listen_flags(Flags& flags, ListeningOptions& target) {
  add_stream_flags(flags, target.options.stream);
  add_backlog_flag(flags, target.options.backlog);
  flags.add_file("--port-file", target.port_file, "write the port to FILE once the socket listens");
}

void add_binding_flags(Flags& flags, ListeningOptions& target) {
  auto& options = target.options;
  flags.add_flag("--v6only", options.v6only, "accept IPv6 connections only").excludes("-4");
  flags.add_flag("--reuse-port", options.reuse_port, "share the port with others that have this option");
  add_socket_file_flags(flags, options.file);
}

Task<Listener> open_listener(Context& context, Endpoint endpoint, ListeningOptions flags) {
  prepare(context, endpoint, flags);
  auto listener = co_await listen_on(std::move(endpoint), flags.options);
  tell(context, listener.address(), flags);
  co_return listener;
}

Listener adopt_listener(Context& context, EventLoop& loop, Socket socket, const ListeningOptions& flags) {
  prepare_listening(socket, socket.local(), flags.options.stream);
  Listener listener(loop, std::move(socket), flags.options);
  tell(context, listener.address(), flags);
  return listener;
}

Task<std::vector<Socket>> open_shared_port(Context& context, Endpoint endpoint, ListeningOptions flags,
                                           unsigned count) {
  prepare(context, endpoint, flags);
  auto sockets = co_await share_port(std::move(endpoint), flags.options, count);
  tell(context, sockets.front().local(), flags);
  co_return sockets;
}

}  // namespace sockx
