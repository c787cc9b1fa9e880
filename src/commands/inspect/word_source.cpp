#include "commands/inspect/word_source.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/task_group.hpp"
#include "os/standard_streams.hpp"

namespace sockx {

namespace {

constexpr std::size_t longest_line = 4 * 1024 * 1024;

Task<> until_nobody_reads() {
  auto& loop = co_await this_loop();
  Watch output(loop, STDOUT_FILENO);
  co_await output.hung_up();
  co_await loop.sleep_until(after(std::chrono::seconds(1)));
  throw Error(EPIPE, "write stdout", Origin::standard_output);
}

std::string without_blanks(const std::string& line) {
  constexpr std::string_view blanks = " \t\r\v\f";
  const auto first = line.find_first_not_of(blanks);
  if (first == std::string::npos) return "";
  return line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

}  // namespace

void check_word(const std::string& word) {
  if (word.empty()) throw BadInput("'': say something");
  const auto nul = word.find('\0');
  if (nul != std::string::npos)
    throw BadInput(
        text("'{}' and then a NUL byte: names and numbers cannot contain one", word.substr(0, nul)));
}

Task<> while_somebody_reads(Task<> task) { co_await any(until_nobody_reads(), std::move(task)); }

Task<std::optional<std::string>> WordSource::next() {
  for (;;) {
    if (words_.empty()) co_return std::nullopt;
    if (words_.front() != "-") {
      auto word = std::move(words_.front());
      words_.pop_front();
      co_return word;
    }
    if (!lines_) {
      input_ = take_standard_input();
      lines_.emplace(loop_, describe_standard_stream(input_.get()), longest_line);
    }
    auto line = co_await lines_->next();
    if (!line) {
      words_.pop_front();  // a second `-` is at the end already
      continue;
    }
    auto word = without_blanks(*line);
    if (!word.empty()) co_return word;
  }
}

}  // namespace sockx
