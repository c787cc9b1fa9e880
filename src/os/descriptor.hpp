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
    terminal,     // our side of a pseudo-terminal, or a serial line that we have opened
    device,       // any other device, such as the terminal of a standard stream
  };
  /// What it means that a terminal has been hung up: nobody has the other side of a pseudo-terminal open
  /// (EIO of read(2)), or a serial line has gone.
  enum class HangUp {
    end,    // the end of its input, and nobody reads what is written
    pause,  // nothing: somebody else may come, and reads what was written meanwhile
  };

  int fd = -1;
  std::string name;  // how a message calls it: "127.0.0.1:80", "stdin", "video.mkv"
  Origin origin = Origin::local_file;
  Kind kind = Kind::device;
  bool appends = false;          // O_APPEND: splice(2) and sendfile(2) refuse it
  bool may_block = false;        // without O_NONBLOCK: see bytes.hpp
  HangUp hang_up = HangUp::end;  // of a terminal
  int send_flags = 0;            // for send(2), which is then the only way in

  bool is_socket() const {
    return kind == Kind::tcp || kind == Kind::unix_stream || kind == Kind::seqpacket || kind == Kind::socket;
  }
  bool is_file() const { return kind == Kind::file; }
};

/// Describes a terminal that we have opened, in non-blocking mode.
Descriptor describe_terminal(int fd, std::string name, Origin origin, Descriptor::HangUp hang_up);

/// Examines `fd` by fstat(2), fcntl(2) and, for a socket, SO_DOMAIN and SO_TYPE. Throws Error when `fd` is
/// not open.
Descriptor describe(int fd, std::string name, Origin origin);

}  // namespace sockx
