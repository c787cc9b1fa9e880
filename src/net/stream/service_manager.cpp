#include "net/stream/service_manager.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/stream/adopt.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"
#include "os/substitutes.hpp"

namespace sockx {

namespace {

constexpr int first_fd = 3;          // SD_LISTEN_FDS_START
constexpr int most_fds = 1'000'000;  // more than any limit of descriptors is a mistake

std::optional<std::string> take_variable(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) return {};
  std::string taken(value);
  unsetenv(name);
  return taken;
}

const std::string& needed(const std::optional<std::string>& variable, std::string_view name) {
  if (!variable) throw BadInput("systemd", text("{} is not set: only a service manager sets it", name));
  return *variable;
}

std::vector<std::string> split_names(const std::string& names) {
  std::vector<std::string> split(1);
  for (const char letter : names)
    if (letter == ':')
      split.emplace_back();
    else
      split.back() += letter;
  return split;
}

}  // namespace

ActivationVariables ActivationVariables::take() {
  ActivationVariables taken;
  taken.pid = take_variable("LISTEN_PID");
  taken.fds = take_variable("LISTEN_FDS");
  taken.names = take_variable("LISTEN_FDNAMES");
  taken.notify = take_variable("NOTIFY_SOCKET");
  take_variable("LISTEN_PIDFDID");  // of younger managers: the process once more
  return taken;
}

std::vector<ActivatedSocket> parse_activation(const ActivationVariables& variables, pid_t own) {
  const auto& pid_word = needed(variables.pid, "LISTEN_PID");
  const auto& count_word = needed(variables.fds, "LISTEN_FDS");
  const auto pid = is_all_digits(pid_word) ? number_in<pid_t>(pid_word) : std::nullopt;
  if (!pid) throw BadInput(text("LISTEN_PID: '{}': it must be a process ID", pid_word));
  if (*pid != own)
    throw BadInput(text("LISTEN_PID: '{}': the sockets are for that process, and this is {}", pid_word, own));
  const auto count = is_all_digits(count_word) ? number_in<int>(count_word) : std::nullopt;
  if (!count || *count < 1 || *count > most_fds)
    throw BadInput(
        text("LISTEN_FDS: '{}': it must be a number of sockets from 1 to {}", count_word, most_fds));
  std::vector<ActivatedSocket> sockets;
  sockets.reserve(static_cast<std::size_t>(*count));
  for (int i = 0; i < *count; ++i) sockets.push_back({first_fd + i, ""});
  if (!variables.names) return sockets;
  auto names = split_names(*variables.names);
  if (names.size() != sockets.size())
    throw BadInput(text("LISTEN_FDNAMES: '{}': it must have {} names (LISTEN_FDS), separated by colons",
                        *variables.names, *count));
  for (std::size_t i = 0; i < sockets.size(); ++i) sockets[i].name = std::move(names[i]);
  return sockets;
}

ServiceManager::ServiceManager(const std::string& address) {
  if (address.size() < 2 || (!address.starts_with('/') && !address.starts_with('@')))
    throw BadInput(text("NOTIFY_SOCKET: '{}': say /PATH or @NAME", address));
  address_ = Address::unix_name(address);
  socket_ = Socket::open(AF_UNIX, SOCK_DGRAM, 0);
}

void ServiceManager::tell(std::string_view state) const {
  const auto sent = uninterrupted([&] {
    return sendto(socket_.fd(), state.data(), state.size(), MSG_NOSIGNAL, address_.data(), address_.size());
  });
  observe_call("sendto", sent, "{}, {}, {}", socket_.fd(), state, address_.to_string());
  if (sent < 0) throw_errno(text("sendto {}", address_.to_string()), Origin::process);
}

Socket take_socket_of_standard_input(int type) {
  auto socket = adopt(STDIN_FILENO, "standard input", type);
  UniqueFd moved(fcntl(socket.fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!moved) throw_errno("fcntl F_DUPFD_CLOEXEC");
  return Socket(std::move(moved));
}

}  // namespace sockx
