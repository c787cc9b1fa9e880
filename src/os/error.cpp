#include "os/error.hpp"

#include <cerrno>

namespace sockx {

void throw_errno(const std::string& what, Origin origin) { throw Error(errno, what, origin); }

}  // namespace sockx
