// SettingNames: what the user calls the settings of a verified transfer.
#pragma once

#include <string_view>

namespace sockx {

/// For messages, of which some are sent to the peer. Here as without a command line.
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
