// Descriptor: what a borrowed descriptor is, found out once, so that every call on it knows how to behave.
#pragma once

#include <string>

#include "base/error.hpp"

namespace sockx {

/// A borrowed descriptor with the facts that decide how bytes can be moved through it.
struct Descriptor {
  enum class Kind {
    file,         // a regular file: always ready, has an offset
    pipe,         // a pipe or fifo
    tcp,          // a stream socket on which recv(MSG_TRUNC) drops bytes in the kernel: TCP, MPTCP
    unix_stream,  // an AF_UNIX stream socket
    seqpacket,    // a stream of records: SOCK_SEQPACKET of any family
    socket,       // any other socket
    null_device,  // /dev/null
    device,       // a terminal or any other device
  };

  int fd = -1;
  std::string name;  // how a message calls it: "127.0.0.1:80", "stdin", "video.mkv"
  Origin origin = Origin::local_file;
  Kind kind = Kind::device;
  bool appends = false;    // O_APPEND: splice(2) and sendfile(2) refuse it
  bool may_block = false;  // without O_NONBLOCK: see bytes.hpp
  int send_flags = 0;      // for send(2), which is then the only way in

  bool is_socket() const {
    return kind == Kind::tcp || kind == Kind::unix_stream || kind == Kind::seqpacket || kind == Kind::socket;
  }
  bool is_file() const { return kind == Kind::file; }
};

/// Examines `fd` by fstat(2), fcntl(2) and, for a socket, SO_DOMAIN and SO_TYPE. Throws Error when `fd` is
/// not open.
Descriptor describe(int fd, std::string name, Origin origin);

}  // namespace sockx
