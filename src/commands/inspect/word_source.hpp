// WordSource: what a command works on, word by word: those of the command line, and the lines of standard
// input in place of a `-`.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "flow/line_reader.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

class WordSource {
 public:
  WordSource(EventLoop& loop, const std::vector<std::string>& words)
      : loop_(loop), words_(words.begin(), words.end()) {}

  /// The next word; nothing at the end. Of a line, blanks at its ends are left out, and so are empty lines.
  Task<std::optional<std::string>> next();

 private:
  EventLoop& loop_;
  std::deque<std::string> words_;
  UniqueFd input_;  // while a `-` is at the head of the words
  std::optional<LineReader> lines_;
};

/// Throws BadInput for a word that the C library cannot be asked about: an empty one, or one with a NUL byte.
void check_word(const std::string& word);

/// Runs `task`, which tells results as long as words come. A second after the last reader of standard output
/// has gone, throws what a write would; if the task ends in that second, nothing was lost.
Task<> while_somebody_reads(Task<> task);

}  // namespace sockx
