#include "commands/serving/activation.hpp"

#include <unistd.h>

#include "cli/flags.hpp"
#include "net/stream/adopt.hpp"

namespace sockx {

void add_activation_flags(Flags& flags, ActivationOptions& target) {
  const HelpSection section(flags, "Started by another program");
  const auto inetd =
      flags.add_flag("--inetd", target.inetd,
                     "use standard input as the connection or listening socket, as inetd(8) passes it");
  const auto systemd = flags.add_flag(
      "--systemd", target.systemd,
      "use the sockets that systemd passes (LISTEN_FDS), and report readiness to it (NOTIFY_SOCKET)");
  systemd.excludes(inetd);
  for (const auto option : {inetd, systemd})
    flags.exclude({"-4", "-6", "--source", "--interface", "--mptcp", "--backlog", "--port-file", "--mode",
                   "--owner", "--v6only", "--reuse-port"},
                  option);
}

std::optional<Endpoint> endpoint_to_listen_on(const ActivationOptions& flags,
                                              const std::vector<std::string>& words) {
  if (words.empty() && !flags.are_given())
    throw BadInput("say where to listen: [HOST] PORT, HOST:PORT or unix:PATH");
  if (words.empty()) return {};
  if (flags.are_given())
    throw BadInput(text("'{}': with {} the socket is there already: leave the endpoint out", words.front(),
                        flags.inetd ? "--inetd" : "--systemd"));
  return Endpoint::parse(words, Endpoint::Role::listening);
}

Activation::Activation(Context& context, const ActivationOptions& flags) : context_(context), flags_(flags) {
  if (!flags.systemd) return;
  const auto variables = ActivationVariables::take();
  sockets_ = parse_activation(variables, getpid());
  if (variables.notify) manager_.emplace(*variables.notify);
}

Activated Activation::open(EventLoop& loop, const ListeningOptions& listening) {
  Activated opened;
  const auto type = listening.options.stream.type;
  std::vector<Socket> sockets;
  if (flags_.inetd) sockets.push_back(take_socket_of_standard_input(type));
  for (const auto& activated : sockets_) sockets.push_back(adopt(activated.fd, type));
  for (auto& socket : sockets) {
    if (socket.is_listening()) {
      opened.listeners.push_back(adopt_listener(context_, loop, std::move(socket), listening));
      continue;
    }
    if (sockets.size() > 1)
      throw BadInput(
          text("LISTEN_FDS: '{}': pass one connection, or listening sockets only", sockets.size()));
    prepare_connected(socket.fd(), listening.options.stream);
    opened.connection.emplace(adopted_connection(loop, std::move(socket)));
  }
  return opened;
}

void Activation::ready() {
  is_ready_ = true;
  tell("READY=1");
}

void Activation::stopping() {
  if (std::exchange(is_ready_, false)) tell("STOPPING=1");
}

void Activation::tell(std::string_view state) const {
  if (!manager_) return;
  try {
    manager_->tell(state);
  } catch (const Error& error) {
    context_.log.warn("{}: {}", state, error.what());
  }
}

}  // namespace sockx
