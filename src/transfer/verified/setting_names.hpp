// SettingNames: the names of the settings of a verified transfer in messages.
#pragma once

#include <string_view>

namespace sockx {

/// Some of the messages are sent to the peer. The defaults are for use without a command line.
struct SettingNames {
  std::string_view verified = "the verified protocol";
  std::string_view name = "a name";              // of standard input, at the sender
  std::string_view output_file = "an output";    // for standard input, at the receiver
  std::string_view output = "the output";        // of one file
  std::string_view force = "a forced transfer";  // replaces files
  std::string_view max_size = "the size limit";
  std::string_view max_files = "a higher limit";
};

}  // namespace sockx
