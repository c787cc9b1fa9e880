// said_of(): what the user reads of a failure.
#pragma once

#include <exception>
#include <string>

#include "cli/exit_code.hpp"

namespace test {

/// The message for what `action` throws, with sockx's words for settings; empty when it throws nothing.
template <class Action>
std::string said_of(Action&& action) {
  try {
    action();
  } catch (...) {
    return sockx::describe_failure(std::current_exception()).message;
  }
  return "";
}

}  // namespace test
