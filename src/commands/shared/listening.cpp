#include "commands/shared/listening.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/flags.hpp"
#include "commands/shared/dialing.hpp"
#include "os/new_file.hpp"

namespace sockx {

namespace {

void write_port_file(const std::string& path, std::uint32_t port) {
  NewFile file(path, {});
  file.write(text("{}\n", port));
  file.complete(false);
}

/// Whoever waits for the file must not find one of an earlier run.
void remove_old_port_file(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) unlink(path.c_str());
}

}  // namespace

void add_listen_flags(CLI::App& app, ListenFlags& flags) {
  add_stream_flags(app, flags.options.stream);
  app.add_option("--backlog", flags.options.backlog, "how many connections may wait to be accepted")
      ->option_text("N")
      ->check(CLI::Range(0, 1 << 30));
  app.add_option("--port-file", flags.port_file, "write the port to FILE once it is listened on")
      ->option_text("FILE");
}

Task<Listener> open_listener(Context& context, std::vector<std::string> words, ListenFlags flags) {
  const bool has_port = words.size() > 1 || (!words[0].starts_with("unix:") && !words[0].starts_with("fd:"));
  if (!flags.port_file.empty() && !has_port) throw BadInput(text("--port-file: {} has no port", words[0]));
  if (flags.options.stream.mptcp)
    flags.options.tell = [&context](const Accepted& accepted) {
      log_mptcp(context, accepted.peer.to_string(), accepted.socket.uses_mptcp());
    };
  auto endpoint = Endpoint::parse(words, Endpoint::Role::listening);
  if (!flags.port_file.empty()) remove_old_port_file(flags.port_file);
  auto listener = co_await listen_on(std::move(endpoint), flags.options);
  const auto& address = listener.address();
  context.log.info("listening on {}", address.to_string());
  context.report.event(
      "listening", {{"address", address.to_string()}, {"host", address.host()}, {"port", address.port()}});
  if (!flags.port_file.empty()) write_port_file(flags.port_file, address.port());
  co_return listener;
}

}  // namespace sockx
