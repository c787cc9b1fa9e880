// thrown_by(): the exception itself, for tests that look at more than its type.
#pragma once

#include <optional>

namespace test {

/// The exception of type E that `action` throws, or nothing; other exceptions pass.
template <class E, class Action>
std::optional<E> thrown_by(Action&& action) {
  try {
    action();
  } catch (const E& exception) {
    return exception;
  }
  return {};
}

}  // namespace test
