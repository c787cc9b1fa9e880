#include "flow/stage.hpp"

namespace sockx {

void pass_through(const Stages& stages, std::vector<std::byte>& bytes) {
  for (const auto& stage : stages) stage->pass(bytes);
}

bool have_caught_up(const Stages& stages) {
  bool all = true;
  for (const auto& stage : stages) all = stage->has_caught_up() && all;
  return all;
}

}  // namespace sockx
