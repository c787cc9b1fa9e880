// What every command that listens does around listen_on().
#pragma once

#include <string>
#include <vector>

#include "cli/context.hpp"
#include "net/listen.hpp"

namespace CLI {
class App;
}

namespace sockx {

struct ListenFlags {
  ListenOptions options;
  std::string port_file;
};

/// The flags of a stream, --backlog and --port-file.
void add_listen_flags(CLI::App& app, ListenFlags& flags);

/// Listens, and then says where: log line, event `listening`, port file.
Task<Listener> open_listener(Context& context, std::vector<std::string> words, ListenFlags flags);

}  // namespace sockx
