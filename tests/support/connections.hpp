// Connections of a test's own descriptors.
#pragma once

#include <string>
#include <utility>

#include "net/stream/connection.hpp"

namespace test {

inline sockx::Connection connection(sockx::EventLoop& loop, sockx::UniqueFd fd, std::string name = "peer") {
  return {sockx::Stream(loop, std::move(fd), std::move(name), sockx::Origin::peer), {}};
}

}  // namespace test
