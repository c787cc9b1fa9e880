// explain: the command of sockx for a command line of nc.
#pragma once

#include <string>
#include <vector>

#include "personalities/nc_options.hpp"

namespace sockx {

struct NcExplanation {
  std::string command;             // for a shell, on one line
  std::vector<std::string> notes;  // where the command differs from nc
};
NcExplanation explain(const NcOptions& options);

/// `sockx explain nc ARG...`: the words behind `explain`. Prints the explanation on standard output, the
/// notes as comments. Returns the exit status.
int run_explain(const std::vector<std::string>& words);

}  // namespace sockx
