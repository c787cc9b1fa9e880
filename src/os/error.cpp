#include "os/error.hpp"

#include <cerrno>

namespace sockx {

bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

void throw_errno(const std::string& what, Origin origin) { throw Error(errno, what, origin); }

}  // namespace sockx
