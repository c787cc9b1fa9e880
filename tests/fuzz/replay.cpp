// The main function of a fuzz target without libFuzzer: feeds it every file of a folder, so that what was
// found once stays mended in every build.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support.hpp"

int main(int, char** words) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(words[1])) {
    std::puts(entry.path().c_str());  // the last line names the culprit
    std::fflush(stdout);
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++files;
  }
  return files > 0 ? 0 : 1;
}
