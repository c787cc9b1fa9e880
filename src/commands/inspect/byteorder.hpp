// sockx byteorder: the order of bytes in memory and on the wire, and addresses as text and as bytes.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "cli/command.hpp"

namespace sockx {

struct ByteorderOptions {
  std::vector<std::string> words;
  int family = AF_UNSPEC;
};

void declare(Flags& flags, ByteorderOptions& options);
/// Throws what ends the command.
ExitCode run(Context& context, const ByteorderOptions& options);

}  // namespace sockx
