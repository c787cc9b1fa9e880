#include "os/descriptor_limit.hpp"

#include <sys/resource.h>

#include "os/substitutes.hpp"

namespace sockx {

namespace {

rlimit limits() {
  rlimit both{};
  getrlimit(RLIMIT_NOFILE, &both);
  return both;
}

}  // namespace

std::size_t descriptor_limit() { return limits().rlim_cur; }

void set_descriptor_limit(std::size_t limit) {
  const rlimit both{limit, limits().rlim_max};
  setrlimit(RLIMIT_NOFILE, &both);
}

std::size_t raise_descriptor_limit() {
  set_descriptor_limit(limits().rlim_max);
  return descriptor_limit();
}

void DescriptorReserve::fill() {
  while (held_.size() < size_) held_.push_back(open_null_device());
}

}  // namespace sockx
