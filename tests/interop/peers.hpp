// The peers: how each of them is called, over which kinds of sockets, and what it cannot do.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "../support/subject.hpp"

namespace test {

using Words = std::vector<std::string>;

enum class Family { ipv4, ipv6, unix_stream };

/// A program of others that joins a connection to its standard streams. In the words for where it dials and
/// where it listens, HOST, PORT and PATH stand for what the test fills in. Everyone listens on a port that
/// the kernel chooses.
struct PeerProgram {
  std::string name;
  Words connects, listens;                        // with the flags that make it half-close
  std::array<std::optional<Words>, 3> dials, at;  // by family; none where it cannot
  bool client_stops_at_our_end = false;           // it leaves when it hears FIN, whatever it has to say
  bool server_stops_at_our_end = false;
  bool half_closes = true;  // else it ends only the whole connection
  Words sends = connects;   // as a client that only sends
};

inline PeerProgram nc_openbsd() {
  return {.name = "nc.openbsd",
          .connects = {"nc.openbsd", "-N"},
          .listens = {"nc.openbsd", "-N", "-l"},
          .dials = {Words{"HOST", "PORT"}, Words{"HOST", "PORT"}, Words{"-U", "PATH"}},
          .at = {Words{"HOST", "0"}, Words{"HOST", "0"}, Words{"-U", "PATH"}},
          .server_stops_at_our_end = true};
}

inline PeerProgram nc_traditional() {
  return {.name = "nc.traditional",
          .connects = {"nc.traditional"},
          .listens = {"nc.traditional", "-l"},
          .dials = {Words{"HOST", "PORT"}, std::nullopt, std::nullopt},
          .at = {Words{"-s", "HOST"}, std::nullopt, std::nullopt},
          .client_stops_at_our_end = true,
          .server_stops_at_our_end = true,
          .half_closes = false,
          .sends = {"nc.traditional", "-q", "0"}};
}

inline PeerProgram ncat() {
  return {.name = "ncat",
          .connects = {"ncat"},
          .listens = {"ncat", "-l"},
          .dials = {Words{"HOST", "PORT"}, Words{"HOST", "PORT"}, Words{"-U", "PATH"}},
          .at = {Words{"HOST", "0"}, Words{"HOST", "0"}, Words{"-U", "PATH"}},
          .server_stops_at_our_end = true};
}

/// -t, because it gives the second direction half a second otherwise.
inline PeerProgram socat() {
  return {.name = "socat",
          .connects = {"socat", "-t", "20", "-"},
          .listens = {"socat", "-t", "20", "-"},
          .dials = {Words{"TCP4:HOST:PORT"}, Words{"TCP6:[HOST]:PORT"}, Words{"UNIX-CONNECT:PATH"}},
          .at = {Words{"TCP4-LISTEN:0,bind=HOST"}, Words{"TCP6-LISTEN:0,bind=[HOST]"},
                 Words{"UNIX-LISTEN:PATH"}}};
}

/// It listens on all addresses, and cannot be told otherwise.
inline PeerProgram busybox() {
  return {.name = "busybox",
          .connects = {"busybox", "nc"},
          .listens = {"busybox", "nc", "-l"},
          .dials = {Words{"HOST", "PORT"}, Words{"HOST", "PORT"}, std::nullopt},
          .at = {Words{}, Words{}, std::nullopt},
          .client_stops_at_our_end = true,
          .server_stops_at_our_end = true};
}

/// The peer of scripted_peer.py, which makes the calls that `steps` say. Debian's python, isolated and
/// without its site packages, starts five times as fast as some others that may be in PATH.
inline PeerProgram python(const std::string& steps = "both") {
  const Words words{"/usr/bin/python3", "-IS", source_folder() + "/tests/interop/scripted_peer.py", steps};
  auto connects = words, listens = words;
  connects.emplace_back("connect");
  listens.emplace_back("listen");
  return {.name = "python3",
          .connects = connects,
          .listens = listens,
          .dials = {Words{"HOST", "PORT"}, Words{"HOST", "PORT"}, Words{"PATH"}},
          .at = {Words{"HOST", "0"}, Words{"HOST", "0"}, Words{"PATH"}}};
}

}  // namespace test
