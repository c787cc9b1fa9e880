// Report: all output that is not payload, as text for people or as NDJSON for programs.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/non_copyable.hpp"
#include "flow/clock.hpp"
#include "os/line_output.hpp"

namespace sockx {

struct Failure;

/// A value of an event: sizes are bytes, times are seconds. What is not known is null.
struct Value : std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string,
                            std::vector<std::string>> {
  Value() = default;
  Value(bool truth) : variant(truth) {}
  Value(double number) : variant(number) {}
  Value(std::string word) : variant(std::move(word)) {}
  Value(const char* word) : variant(std::string(word)) {}
  Value(std::vector<std::string> words) : variant(std::move(words)) {}
  template <class T>
  Value(const std::optional<T>& known) : Value(known ? Value(*known) : Value()) {}
  Value(std::signed_integral auto number) : variant(std::int64_t{number}) {}
  Value(std::unsigned_integral auto number) requires(!std::same_as<decltype(number), bool>)
      : variant(std::uint64_t{number}) {}
};

/// As text: "true", "12", "0.5", the words with a blank between them, "" for null.
std::string plain_text(const Value& value);

struct Field {
  std::string name;
  Value value;
};

/// The message; of one with more than 1000 bytes only the first and last 200.
std::string shortened(const std::string& message);
/// "312 lines dropped: nobody has read them in time"
std::string dropped_lines(std::uint64_t count);

/// An event as an object on one line, without the newline. It is safe on a terminal, whatever words it
/// quotes: control characters and those that order lines are escaped. `time` is left out where it is empty.
std::string json_line(std::string_view event, const std::vector<Field>& fields, std::string_view time = {});

/// Where words go:
///  - results are text on standard output, or on standard error while standard output carries payload;
///  - with --json they are events there instead, and each line on standard error is an event as well;
///  - with --events FILE every event goes to the file.
/// Each event has the time, as RFC 3339 has it, in UTC.
///
/// Only a result on standard output waits for its reader, or is queued after queue_results(). Everything else
/// is written without blocking; lines beyond a limit are dropped and counted. If the events file cannot be
/// written, there is one warning and the run goes on. If standard output cannot be written, the run fails:
/// Context::run() throws failure().
class Report : NonCopyable {
 public:
  struct Options {
    bool json = false;
    bool quiet = false;
    std::string events_file;
  };
  /// Throws Error with Origin::local_file.
  explicit Report(const Options& options);

  /// From now on standard output is for payload only.
  void keep_standard_output_for_payload() { results_ = &errors_; }
  bool is_json() const { return options_.json; }
  bool has_events() const { return options_.json || events_; }

  /// For several jobs that run at once and must not wait for each other: from now on results are queued, and
  /// written as their reader takes them. To limit the queue, begin no new job while has_room_for_results() is
  /// false.
  void queue_results() { queues_results_ = true; }
  bool has_room_for_results() const { return results_->has_room(); }

  /// A result: `line` for people, the event for programs. Waits until standard output has taken it. Throws
  /// Error when that is broken, or a signal that ends the run comes, and TimedOut.
  void result(const std::string& line, std::string_view event, const std::vector<Field>& fields);
  /// A result for programs only; people see it in another form. When results are queued, those without room
  /// are dropped and counted, since a job may have any number. Throws as result() does.
  void record(std::string_view event, const std::vector<Field>& fields);
  /// An event for programs only; people see it in the log. Never throws Error.
  void event(std::string_view event, const std::vector<Field>& fields);
  /// A line on standard error during the run: a log line, a traced call, progress. Never throws Error.
  void diagnostic(std::string_view event, const std::vector<Field>& fields, const std::string& line);
  /// The same, but never dropped: the caller waits until has_caught_up().
  void row(std::string_view event, const std::vector<Field>& fields, const std::string& line);
  bool has_caught_up();
  /// Reports a failure as "sockx: MESSAGE" on one line. `about` are additional fields of the event, for one
  /// of several answers; it then waits for its reader as a result does.
  void failure(const Failure& failure, const std::vector<Field>& about = {});
  /// The same for a failure that is a result: with --quiet there is no line.
  void answer(const Failure& failure);
  /// Writes a line with its colors to standard error. Not for --json.
  void say(std::string_view line) { errors_.put(line); }
  /// Writes an escape sequence to standard error, which is a terminal.
  void draw(std::string_view sequence) { errors_.draw(sequence); }

  /// Results wait for their reader until then at most.
  void wait_until(Deadline deadline) { deadline_ = deadline; }
  /// Why standard output cannot be written, or null.
  std::exception_ptr failure() const { return failure_; }
  void throw_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// `call` is called when failure() is set; null: no call.
  void when_failed(std::function<void()> call) { failed_ = std::move(call); }
  /// Called when a file of open_file() cannot be written: "write events.json: No space left on device".
  void when_lost(std::function<void(const std::string&)> call) { lost_ = std::move(call); }

  /// A file that lines are appended to, without blocking. `dropped` makes the line about dropped ones. Throws
  /// Error with Origin::local_file.
  LineOutput& open_file(const std::string& path, std::function<std::string(std::uint64_t)> dropped);
  /// All outputs that are written without blocking.
  std::list<LineOutput>& outputs() { return outputs_; }
  /// Opens what the outputs need, before a run: a run must not leave more descriptors open than it found.
  void prepare();
  /// At the end: tries once more to write what is queued.
  void finish();

 private:
  void put_event(std::string_view event, const std::vector<Field>& fields, bool waits);
  void put_diagnostic(std::string_view event, const std::vector<Field>& fields, const std::string& line,
                      bool keeps);
  bool is_taken(LineOutput& output) const;
  void wait_for_standard_output();
  std::string event_dropped(std::uint64_t lines) const;
  void fail(int error);

  Options options_;
  bool queues_results_ = false;
  std::list<LineOutput> outputs_;
  LineOutput& output_;
  LineOutput& errors_;
  LineOutput* results_;
  LineOutput* events_ = nullptr;
  Deadline deadline_ = never;
  std::exception_ptr failure_;
  std::function<void()> failed_;
  std::function<void(const std::string&)> lost_;
};

}  // namespace sockx
