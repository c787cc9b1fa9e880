// WordSource: the words that a command works on: from the command line, and lines of standard input for a
// `-`.
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

  /// The next word; nothing at the end. Blanks at the ends of a line are removed, and empty lines skipped.
  Task<std::optional<std::string>> next();

 private:
  EventLoop& loop_;
  std::deque<std::string> words_;
  UniqueFd input_;  // while a `-` is at the head of the words
  std::optional<LineReader> lines_;
};

/// Throws BadInput for a word that the C library cannot take: an empty one, or one with a NUL byte.
void check_word(const std::string& word);

/// Runs `task`. One second after the last reader of standard output has gone, throws what a write would
/// throw, since the next word may never come; if the task ends before, nothing was lost.
Task<> while_somebody_reads(Task<> task);

}  // namespace sockx
