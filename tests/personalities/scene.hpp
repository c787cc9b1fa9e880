// Scene: one run of a command line against its scripted peer, and the transcript of what happened.
#pragma once

#include <string>
#include <vector>

#include "nc_table.hpp"

namespace test {

/// What is compared, a line each. What differs by nature has a name in it: P0 to P9 for the ports, DIR for
/// the folder, CLIENT for a port of the peer that the kernel has chosen.
struct Transcript {
  std::vector<std::string> lines;
  std::string out;                 // standard output, as it came
  int status = -1;                 // -1 while it runs
  std::vector<std::string> heard;  // by the peer, a line for each connection
  std::string text() const;
};

/// What to run: the words in front of those of the row, or a function of them.
struct Scene {
  std::vector<std::string> program;  // replaced in messages by `name`
  std::string name = "nc";
  std::vector<std::string> environment = {};
  std::vector<std::string> (*words)(const std::vector<std::string>& program,
                                    const std::vector<std::string>& words) = nullptr;
};

/// The thread must have a network of its own. Ten ports from `first_port` on are free.
Transcript play(const Scene& scene, const NcRow& row, unsigned first_port);

}  // namespace test
