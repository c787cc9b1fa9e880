#include "commands/conversation/filters.hpp"

#include <sys/time.h>

#include <algorithm>
#include <ctime>

#include "base/text.hpp"
#include "base/words.hpp"

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

/// "21:31:40.123456 > 00000010  68 65 6c 6c 6f 0a    |hello.|"
std::string dump_line(const WallTime& time, char direction, const DumpedRow& row) {
  return text("{} {} {:08x}  {:<47}  |{}|", time.clock(), direction, row.offset,
              hexadecimal(as_text(row.bytes), " "), printable(as_text(row.bytes)));
}

std::shared_ptr<Stage> hexdump(bool is_sent, const std::shared_ptr<SideFile>& file, Report& report) {
  const char direction = is_sent ? '>' : '<';
  if (file)
    return make_hexdump(
        [file, direction](const DumpedRow& row) { file->put(dump_line({}, direction, row) + '\n'); },
        [file] { return file->flush(); });
  const auto tell = [is_sent, direction, &report](const DumpedRow& row) {
    report.row("hexdump",
               {{"direction", is_sent ? "sent" : "received"},
                {"offset", row.offset},
                {"hex", hexadecimal(as_text(row.bytes))}},
               dump_line({}, direction, row));
  };
  return make_hexdump(tell, [&report] { return report.has_caught_up(); });
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
  if (!options.tee_out.empty()) outward.stages.push_back(make_tee(opened(options.tee_out)));
  if (!options.tee_in.empty()) inward.stages.push_back(make_tee(opened(options.tee_in)));
  if (options.hexdump.empty()) return processing;
  std::shared_ptr<SideFile> dumped;
  if (options.hexdump != "-") dumped = opened(options.hexdump);
  outward.stages.push_back(hexdump(true, dumped, report));
  inward.stages.push_back(hexdump(false, dumped, report));
  return processing;
}

Task<> wait_for_readers(const ProcessingBothWays& processing) {
  auto& loop = co_await this_loop();
  for (const auto& file : processing.files)
    while (!file->is_open()) {
      co_await loop.sleep_until(after(std::chrono::milliseconds(50)));
    }
}

}  // namespace sockx
