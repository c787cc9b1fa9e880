// OnExit: calls a function at the end of a scope, also when an exception or a cancelled task ends it.
#pragma once

#include <utility>

#include "base/non_copyable.hpp"

namespace sockx {

/// Its destructor calls `action`, which must not throw.
template <class Action>
class [[nodiscard]] OnExit : NonCopyable {
 public:
  explicit OnExit(Action action) : action_(std::move(action)) {}
  ~OnExit() { action_(); }

 private:
  Action action_;
};

}  // namespace sockx
