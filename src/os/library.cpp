#include "os/library.hpp"

#include <dlfcn.h>

#include <stdexcept>

#include "base/text.hpp"

namespace sockx {

Library::Library(const char* file, const char* purpose, const char* package)
    : file_(file), handle_(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr)
    throw std::runtime_error(text("{} needs {}, which is not on this machine{}", purpose, file,
                                  package != nullptr ? text(": install the package {}", package) : ""));
}

void* Library::address_of(const char* name) const {
  void* const address = dlsym(handle_, name);
  if (address == nullptr) throw std::runtime_error(text("{} has no {}", file_, name));
  return address;
}

}  // namespace sockx
