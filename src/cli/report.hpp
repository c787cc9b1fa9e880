// Report: everything sockx says that is not payload, as text for people or as NDJSON for programs.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

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

/// An event as an object on one line, without the newline.
std::string json_line(std::string_view event, const std::vector<Field>& fields);

/// Where words go:
///  - results are text on standard output, or on standard error while standard output carries payload;
///  - with --json they are events there instead, and each line on standard error is an event as well;
///  - with --events FILE every event goes to the file.
class Report {
 public:
  struct Options {
    bool json = false;
    bool quiet = false;
    std::string events_file;
  };
  explicit Report(const Options& options);

  /// From now on standard output belongs to the payload.
  void keep_standard_output_for_payload() { results_ = stderr; }
  bool is_json() const { return options_.json; }
  bool has_events() const { return options_.json || events_; }

  /// A result: `line` for people, the event for programs. Throws Error when standard output is broken.
  void result(const std::string& line, std::string_view event, const std::vector<Field>& fields);
  /// An event of the run, which people see in the log: only for programs.
  void event(std::string_view event, const std::vector<Field>& fields);
  /// What goes along the run on standard error: a log line, a traced call, progress, the error at the
  /// end. Never throws: a line that cannot be written is lost.
  void diagnostic(std::string_view event, const std::vector<Field>& fields, const std::string& line);
  /// The diagnostic on a failure: "sockx: " and its message on one line, however long the words that it
  /// quotes. `about` are fields that the event has besides its own.
  void failure(const Failure& failure, const std::vector<Field>& about = {});
  /// The same for a result that is a failure as well: --quiet leaves the line out.
  void answer(const Failure& failure);

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void put(std::FILE* stream, const std::string& line);
  Options options_;
  std::FILE* results_ = stdout;
  std::unique_ptr<std::FILE, Closer> events_;
};

}  // namespace sockx
