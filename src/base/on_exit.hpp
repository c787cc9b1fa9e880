// OnExit: what is done at the end of a scope, however that comes.
#pragma once

#include <utility>

#include "base/non_copyable.hpp"

namespace sockx {

/// Calls `action`, which throws nothing, as it goes.
template <class Action>
class [[nodiscard]] OnExit : NonCopyable {
 public:
  explicit OnExit(Action action) : action_(std::move(action)) {}
  ~OnExit() { action_(); }

 private:
  Action action_;
};

}  // namespace sockx
