// The parser: gives the rows of Flags to CLI11.
#pragma once

namespace CLI {
class App;
}

namespace sockx {

class Flags;

/// Adds the options, the words and the examples to `app`, which must not outlive `flags`.
void add_to(CLI::App& app, Flags& flags);

}  // namespace sockx
