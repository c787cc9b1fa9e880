// The parser: gives the rows of Flags to CLI11.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace sockx {

class Flags;

/// Adds the options, the words and the examples to `app`, which must not outlive `flags`.
void add_to(CLI::App& app, Flags& flags);

/// The same without the options that are not among `typed`, the words that `app` is to parse. CLI11 compares
/// each option that is added with all before it: to add all took a sixth of the time of `sockx connect`.
void add_to(CLI::App& app, Flags& flags, const std::vector<std::string>& typed);

}  // namespace sockx
