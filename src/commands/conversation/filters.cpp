#include "commands/conversation/filters.hpp"

#include <sys/time.h>

#include <algorithm>
#include <ctime>

#include "base/text.hpp"
#include "base/words.hpp"
#include "commands/serving/name_pattern.hpp"

namespace sockx {

namespace {

struct WallTime {
  timeval value{};
  WallTime() { gettimeofday(&value, nullptr); }
  /// "21:31:40.123456", local time.
  std::string clock() const {
    tm parts{};
    localtime_r(&value.tv_sec, &parts);
    return text("{:02}:{:02}:{:02}.{:06}", parts.tm_hour, parts.tm_min, parts.tm_sec, value.tv_usec);
  }
};

std::string printable(std::string_view bytes) {
  std::string shown;
  for (const char letter : bytes) shown += letter >= ' ' && letter <= '~' ? letter : '.';
  return shown;
}

/// "21:31:40.123456 > 00000010  68 65 6c 6c 6f 0a    |hello.|", with the name of a client before the offset
/// where there are several.
std::string dump_line(const WallTime& time, char direction, const std::string& client, const DumpedRow& row) {
  return text("{} {} {}{}{:08x}  {:<47}  |{}|", time.clock(), direction, client, client.empty() ? "" : " ",
              row.offset, hexadecimal(as_text(row.bytes), " "), printable(as_text(row.bytes)));
}

std::shared_ptr<Stage> hexdump(bool is_sent, const std::shared_ptr<SideFile>& file, const std::string& client,
                               Report& report) {
  const char direction = is_sent ? '>' : '<';
  if (file)
    return make_hexdump(
        [file, client, direction](const DumpedRow& row) {
          file->put(dump_line({}, direction, client, row) + '\n');
        },
        [file] { return file->flush(); });
  const auto tell = [is_sent, client, direction, &report](const DumpedRow& row) {
    std::vector<Field> fields{{"direction", is_sent ? "sent" : "received"},
                              {"offset", row.offset},
                              {"hex", hexadecimal(as_text(row.bytes))}};
    if (!client.empty()) fields.insert(fields.begin(), {"peer", client});
    report.row("hexdump", fields, dump_line({}, direction, client, row));
  };
  return make_hexdump(tell, [&report] { return report.has_caught_up(); });
}

using OpenSideFile = std::function<std::shared_ptr<SideFile>(const std::string& path)>;

void add_side_files(const ConversationOptions& options, Report& report, const std::string& client,
                    const OpenSideFile& opened, Stages& outward, Stages& inward) {
  if (!options.tee_out.empty()) outward.push_back(make_tee(opened(options.tee_out)));
  if (!options.tee_in.empty()) inward.push_back(make_tee(opened(options.tee_in)));
  if (options.hexdump.empty()) return;
  std::shared_ptr<SideFile> dumped;
  if (options.hexdump != "-") dumped = opened(options.hexdump);
  outward.push_back(hexdump(true, dumped, client, report));
  inward.push_back(hexdump(false, dumped, client, report));
}

}  // namespace

ProcessingBothWays make_processing(const ConversationOptions& options, Report& report) {
  ProcessingBothWays processing;
  auto& outward = processing.outward;
  auto& inward = processing.inward;
  if (options.max_record)
    outward.max_record = inward.max_record = static_cast<std::size_t>(*options.max_record);
  outward.framing = inward.framing = options.framing.value_or(Framing{});
  outward.line_delay = options.line_delay.value_or(Duration{});
  if (options.crlf) outward.stages.push_back(make_crlf());

  const auto opened = [&processing](const std::string& path) {
    return processing.files.emplace_back(std::make_shared<SideFile>(path));
  };
  add_side_files(options, report, "", opened, outward.stages, inward.stages);
  return processing;
}

ClientFiltersMaker::ClientFiltersMaker(const ConversationOptions& options, Report& report)
    : options_(options), report_(report) {
  for (const auto* const path : {&options_.tee_in, &options_.tee_out, &options_.hexdump})
    if (!path->empty() && *path != "-" && !has_placeholder(*path))
      open(*path, expand_name_pattern(*path, 0, {}));
}

ClientFilters ClientFiltersMaker::make(std::uint64_t number, const Address& peer, const std::string& name) {
  ClientFilters filters;
  if (options_.crlf && changes_bytes_) filters.sent.stages.push_back(make_crlf());
  const auto opened = [&](const std::string& pattern) {
    return open(pattern, expand_name_pattern(pattern, number, peer));
  };
  const bool is_named = !has_placeholder(options_.hexdump);
  add_side_files(options_, report_, is_named ? name : "", opened, filters.sent.stages,
                 filters.received.stages);
  return filters;
}

/// A path that comes again is that of another client from the same host: its bytes follow.
std::shared_ptr<SideFile> ClientFiltersMaker::open(const std::string& pattern, const std::string& path) {
  if (pattern.find("%n") != std::string::npos) return std::make_shared<SideFile>(path);
  auto& entry = files_[path];
  auto file = entry.file.lock();
  if (!file) {
    file = std::make_shared<SideFile>(path, entry.is_begun ? SideFile::Begin::append : SideFile::Begin::anew);
    entry.is_begun = true;
    entry.file = file;
  }
  if (!has_placeholder(pattern)) entry.kept = file;
  return file;
}

bool ClientFiltersMaker::are_given(const ConversationOptions& options) {
  return options.crlf || !options.hexdump.empty() || !options.tee_in.empty() || !options.tee_out.empty();
}

std::size_t ClientFiltersMaker::descriptors() const {
  std::size_t count = 0;
  for (const auto* const path : {&options_.tee_in, &options_.tee_out, &options_.hexdump})
    if (has_placeholder(*path)) ++count;
  return count;
}

void check_client_filters(const ConversationOptions& options, const std::string& in, const std::string& out) {
  check_name_pattern(in, options.tee_in);
  check_name_pattern(out, options.tee_out);
  check_name_pattern("--hexdump", options.hexdump);
}

Task<> wait_for_readers(const ProcessingBothWays& processing) {
  auto& loop = co_await this_loop();
  for (const auto& file : processing.files)
    while (!file->is_open()) {
      co_await loop.sleep_until(after(std::chrono::milliseconds(50)));
    }
}

}  // namespace sockx
