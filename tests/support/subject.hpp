// The build under test, whose programs the driver starts: its own or, where a sanitized build has
// borrowed the driver, that one, which SOCKX_SANITIZED_BUILD names.
#pragma once

#include <cstdlib>
#include <string>

namespace test {

/// Whether the programs under test are sanitized: they start slowly, and need much memory.
inline bool is_sanitized() { return std::getenv("SOCKX_SANITIZED_BUILD") != nullptr; }

/// The source tree, and the folder of the build that the driver belongs to.
std::string source_folder();
std::string build_folder();

/// The folder of the build under test.
inline std::string tested_build() {
  const char* const sanitized = std::getenv("SOCKX_SANITIZED_BUILD");
  return sanitized != nullptr ? sanitized : build_folder();
}

inline std::string sockx_binary() { return tested_build() + "/sockx"; }
inline std::string sockx_with_faults() { return tested_build() + "/tests/sockx_with_faults"; }

}  // namespace test
