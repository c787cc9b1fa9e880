#include "base/error.hpp"

#include <cerrno>

namespace sockx {

bool is_shortage(const Error& error) {
  switch (error.number()) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return true;
    case ENOSPC:  // of epoll_ctl(2): there are too many watches
      return error.origin() == Origin::system;
    default:
      return false;
  }
}

void throw_errno(const std::string& what, Origin origin) { throw Error(errno, what, origin); }

}  // namespace sockx
