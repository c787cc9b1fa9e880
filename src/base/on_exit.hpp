// OnExit: what is done at the end of a scope, however that comes.
#pragma once

#include <utility>

namespace sockx {

/// Calls `action`, which throws nothing, as it goes.
template <class Action>
class [[nodiscard]] OnExit {
 public:
  explicit OnExit(Action action) : action_(std::move(action)) {}
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;
  ~OnExit() { action_(); }

 private:
  Action action_;
};

}  // namespace sockx
