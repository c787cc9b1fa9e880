// What each call can fail with, by its manual page, and what that must come to.
#pragma once

#include <csignal>
#include <string>
#include <vector>

namespace test {

struct FaultRow {
  std::string key;  // as the injector names calls: injector.hpp
  std::vector<std::string> faults;
  /// The statuses that are right. Harmless faults have 0 alone. With 0 among others it depends on what the
  /// call was for.
  std::vector<int> statuses = {0};
  /// What the line on standard error must contain beside the errno's text; by default the call's name.
  std::string words = {};
  int signal = 0;  // by which it dies instead
};

/// SIGPIPE for standard output; a scenario whose pipes are others says so.
const std::vector<FaultRow>& fault_table();

/// A reader of standard output that leaves when only the end was still to come is no failure.
inline const FaultRow standard_output_gone{"splice@socket>pipe", {"EPIPE"}, {0}, {}, SIGPIPE};

/// The folder of a unix socket is opened for a lock; without the lock the socket is bound all the same.
inline const FaultRow folder_not_locked{"open@file", {"EMFILE", "ENFILE", "EACCES", "EIO"}, {0, 11}};

}  // namespace test
