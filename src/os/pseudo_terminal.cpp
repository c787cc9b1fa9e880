#include "os/pseudo_terminal.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <array>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

constexpr auto refused = Origin::local_address;  // as for what cannot be opened or bound

}  // namespace

PseudoTerminal open_pseudo_terminal() {
  PseudoTerminal terminal;
  terminal.master.reset(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
  const int fd = terminal.master.get();
  observe_call("posix_openpt", fd, "O_RDWR|O_NOCTTY");
  if (fd < 0) throw_errno("posix_openpt", refused);
  if (grantpt(fd) != 0) throw_errno("grantpt", refused);
  if (unlockpt(fd) != 0) throw_errno("unlockpt", refused);
  std::array<char, 64> name{};
  if (ptsname_r(fd, name.data(), name.size()) != 0) throw_errno("ptsname_r", refused);
  terminal.path = name.data();
  return terminal;
}

UniqueFd open_other_side(const PseudoTerminal& terminal) {
  // Not by its path, which another file system may hide.
  UniqueFd fd(ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  observe_call("ioctl", fd.get(), "{}, TIOCGPTPEER", terminal.master.get());
  if (!fd) throw_errno(text("open {}", terminal.path), refused);
  return fd;
}

}  // namespace sockx
