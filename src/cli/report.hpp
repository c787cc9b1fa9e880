// Report: everything sockx says that is not payload, as text for people or as NDJSON for programs.
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

/// As text: "true", "12", "0.5", the words themselves with a blank between them, "" for null.
std::string plain_text(const Value& value);

struct Field {
  std::string name;
  Value value;
};

/// A message as it fits on a screen, whatever words it quotes: of more than 1000 bytes the first and last
/// 200.
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
/// Only a result on standard output waits for its reader; after queue_results() it is queued. All else is
/// written without blocking, and beyond a bound dropped and counted. When the events file cannot be written,
/// a warning says so once and the run goes on; when standard output cannot, the run fails: Context::run()
/// throws failure().
class Report : NonCopyable {
 public:
  struct Options {
    bool json = false;
    bool quiet = false;
    std::string events_file;
  };
  /// Throws Error with Origin::local_file.
  explicit Report(const Options& options);

  /// From now on standard output belongs to the payload.
  void keep_standard_output_for_payload() { results_ = &errors_; }
  bool is_json() const { return options_.json; }
  bool has_events() const { return options_.json || events_; }

  /// Several jobs run at once, and none may hold up the others: results are queued from now on, and written
  /// as their reader takes them. To bound the queue, begin no new job while has_room_for_results() is false.
  void queue_results() { queues_results_ = true; }
  bool has_room_for_results() const { return results_->has_room(); }

  /// A result: `line` for people, the event for programs. Waits until standard output has taken it. Throws
  /// Error when that is broken, or a signal that ends the run comes, and TimedOut.
  void result(const std::string& line, std::string_view event, const std::vector<Field>& fields);
  /// A result that people see otherwise: only for programs. One job may have any number of them: when results
  /// are queued, those for which there is no room are dropped and counted. Throws as result() does.
  void record(std::string_view event, const std::vector<Field>& fields);
  /// An event of the run, which people see in the log: only for programs. Never throws Error.
  void event(std::string_view event, const std::vector<Field>& fields);
  /// What goes along the run on standard error: a log line, a traced call, progress, the error at the
  /// end. Never throws Error.
  void diagnostic(std::string_view event, const std::vector<Field>& fields, const std::string& line);
  /// One that is not dropped: who tells it waits until has_caught_up().
  void row(std::string_view event, const std::vector<Field>& fields, const std::string& line);
  bool has_caught_up();
  /// The diagnostic on a failure: "sockx: " and its message on one line, however long the words that it
  /// quotes. `about` are fields that the event has besides its own, where it is one of several answers: then
  /// it waits for its reader as a result does.
  void failure(const Failure& failure, const std::vector<Field>& about = {});
  /// The same for a result that is a failure as well: --quiet leaves the line out.
  void answer(const Failure& failure);
  /// A line on standard error that has its colors already; not where each line is an event.
  void say(std::string_view line) { errors_.put(line); }
  /// A sequence for the terminal that standard error is.
  void draw(std::string_view sequence) { errors_.draw(sequence); }

  /// Results do not wait any longer than that for their reader.
  void wait_until(Deadline deadline) { deadline_ = deadline; }
  /// Why standard output cannot be written, or null.
  std::exception_ptr failure() const { return failure_; }
  void throw_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }
  /// Called once failure() is not null any more; null for nobody.
  void when_failed(std::function<void()> call) { failed_ = std::move(call); }
  /// Told when a file that is written along the run cannot be: "write events.json: No space left on device".
  void when_lost(std::function<void(const std::string&)> call) { lost_ = std::move(call); }

  /// A file that is appended to along the run as standard error is; `dropped` makes the line that says how
  /// many were. Throws Error with Origin::local_file.
  LineOutput& open_file(const std::string& path, std::function<std::string(std::uint64_t)> dropped);
  /// All that is written without blocking, so that it goes on when its readers do.
  std::list<LineOutput>& outputs() { return outputs_; }
  /// Opens what is to be opened for them: before a run, in which no more descriptors are to be open at the
  /// end than at the beginning.
  void prepare();
  /// At the end: gives what nobody has read yet a last chance.
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
