#include "net/stream/layers.hpp"

namespace sockx {

Task<> apply_layers(const Layers& layers, Connection& connection, Deadline deadline) {
  for (const auto& layer : layers) {
    co_await layer(connection, deadline);
  }
}

}  // namespace sockx
