// In place of io_uring.cpp where liburing is not there to build with.
#include "flow/method.hpp"

namespace sockx {

std::unique_ptr<Method> make_io_uring(PlainEnds, std::string& refusal) {
  refusal = "this sockx is built without liburing";
  return nullptr;
}

bool has_io_uring() { return false; }

}  // namespace sockx
