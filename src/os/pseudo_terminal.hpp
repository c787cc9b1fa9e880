// PseudoTerminal: a terminal whose other side is held by this process; see pty(7).
#pragma once

#include <string>

#include "os/unique_fd.hpp"

namespace sockx {

struct PseudoTerminal {
  UniqueFd master;   // non-blocking
  std::string path;  // of the terminal that programs open: /dev/pts/5
};

/// A new one, unlocked, with the usual settings. Throws Error.
PseudoTerminal open_pseudo_terminal();

/// Opens the side of the programs, in blocking mode and not as our controlling terminal. Throws Error.
UniqueFd open_other_side(const PseudoTerminal& terminal);

}  // namespace sockx
