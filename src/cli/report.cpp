#include "cli/report.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <cerrno>

#include "cli/exit_code.hpp"
#include "os/error.hpp"
#include "os/output_file.hpp"
#include "os/text.hpp"

namespace sockx {

std::string json_line(std::string_view event, const std::vector<Field>& fields) {
  nlohmann::ordered_json object{{"event", event}};
  for (const auto& field : fields) {
    const auto set = [&](const auto& plain) {
      if constexpr (std::is_same_v<std::decay_t<decltype(plain)>, std::monostate>)
        object[field.name] = nullptr;
      else
        object[field.name] = plain;
    };
    std::visit(set, static_cast<const Value::variant&>(field.value));
  }
  // A name on the network need not be UTF-8; a replacement character is better than no line.
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

namespace {

/// What fits on a screen, whatever words it quotes.
std::string shortened(const std::string& message) {
  constexpr std::size_t most = 1000, kept = 200;
  if (message.size() <= most) return message;
  return text("{} [{} bytes left out] {}", message.substr(0, kept), message.size() - 2 * kept,
              message.substr(message.size() - kept));
}

}  // namespace

std::string plain_text(const Value& value) {
  const auto show = [](const auto& plain) -> std::string {
    using Plain = std::decay_t<decltype(plain)>;
    std::string shown;
    if constexpr (std::is_same_v<Plain, std::string>)
      shown = plain;
    else if constexpr (std::is_same_v<Plain, std::vector<std::string>>)
      for (const auto& word : plain) shown += (shown.empty() ? "" : " ") + word;
    else if constexpr (!std::is_same_v<Plain, std::monostate>)
      shown = text("{}", plain);
    return shown;
  };
  return std::visit(show, static_cast<const Value::variant&>(value));
}

Report::Report(const Options& options) : options_(options) {
  if (options_.events_file.empty()) return;
  auto file = open_output(options_.events_file, O_CREAT | O_TRUNC);
  if (file) events_.reset(fdopen(file.get(), "w"));
  if (!events_) throw_errno(text("open {}", options_.events_file), Origin::local_file);
  file.release();  // it belongs to the stream now
}

void Report::result(const std::string& line, std::string_view name, const std::vector<Field>& fields) {
  event(name, fields);
  if (!options_.json && !options_.quiet) put(results_, line);
}

void Report::event(std::string_view name, const std::vector<Field>& fields) {
  if (events_)
    put(events_.get(), json_line(name, fields));
  else if (options_.json)
    put(results_, json_line(name, fields));
}

void Report::diagnostic(std::string_view name, const std::vector<Field>& fields, const std::string& line) {
  try {
    if (events_) put(events_.get(), json_line(name, fields));
  } catch (const Error&) {
    // the next event says so
  }
  if (options_.json)
    put(stderr, json_line(name, fields));
  else if (!line.empty())
    put(stderr, line);
}

void Report::failure(const Failure& failure, const std::vector<Field>& about) {
  std::vector<Field> fields{{"status", static_cast<int>(failure.status)}, {"message", failure.message}};
  if (failure.error != 0) fields.push_back({"errno", failure.error});
  if (!failure.name.empty()) fields.push_back({"error", failure.name});
  fields.insert(fields.end(), about.begin(), about.end());
  diagnostic("error", fields, "sockx: " + one_line(shortened(failure.message)));
}

void Report::put(std::FILE* stream, const std::string& line) {
  errno = 0;
  const bool written = std::fwrite(line.data(), 1, line.size(), stream) == line.size() &&
                       std::fputc('\n', stream) != EOF && std::fflush(stream) == 0;
  if (written || stream == stderr) return;
  if (stream == stdout) throw_errno("write stdout", Origin::standard_output);
  throw_errno(text("write {}", options_.events_file), Origin::local_file);
}

}  // namespace sockx
