#include "commands/datagram/datagram_output.hpp"

#include <net/if.h>

#include <algorithm>

#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

namespace {

std::string interface_name(unsigned number) {
  char name[IF_NAMESIZE];
  return if_indextoname(number, name) != nullptr ? name : std::to_string(number);
}

/// Whether it can be shown as it is: printable ASCII, tabs and line ends.
bool is_plain(std::string_view bytes) {
  return std::ranges::all_of(
      bytes, [](char c) { return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t'; });
}

}  // namespace

void add_format_flag(Flags& flags, std::optional<DatagramFormat>& format, const std::string& usual) {
  flags.add_choice("--format", format,
                   {{"raw", DatagramFormat::raw},
                    {"line", DatagramFormat::line},
                    {"text", DatagramFormat::text},
                    {"hex", DatagramFormat::hex},
                    {"json", DatagramFormat::json}},
                   text("how to write each datagram to standard output (default: {})", usual));
}

std::vector<Field> facts_of(const Datagram& datagram, std::size_t size) {
  std::vector<Field> fields{{"source", shown_address(datagram.source)}};
  if (datagram.destination) fields.push_back({"destination", datagram.destination->host()});
  if (datagram.interface != 0) fields.push_back({"interface", interface_name(datagram.interface)});
  if (datagram.ttl >= 0) fields.push_back({"ttl", datagram.ttl});
  if (datagram.tos >= 0) fields.push_back({"tos", datagram.tos});
  if (datagram.time) fields.push_back({"time", seconds(*datagram.time)});
  fields.push_back({"size", size});
  fields.push_back({"truncated", datagram.is_cut()});
  return fields;
}

void show_datagram(DatagramFormat format, const Datagram& datagram, std::span<const std::byte> bytes,
                   std::string& output) {
  const auto payload = as_text(bytes);
  switch (format) {
    case DatagramFormat::raw:
      output += payload;
      return;
    case DatagramFormat::line:
      output += payload;
      if (!payload.ends_with('\n')) output += '\n';
      return;
    case DatagramFormat::text: {
      const auto line = payload.substr(0, payload.size() - (payload.ends_with('\n') ? 1 : 0));
      output += one_line(text("{} {}", shown_address(datagram.source), line)) + '\n';
      return;
    }
    case DatagramFormat::hex:
      output += text("{} {}\n", shown_address(datagram.source), hexadecimal(payload));
      return;
    case DatagramFormat::json: {
      auto fields = facts_of(datagram, datagram.is_cut() ? datagram.size : bytes.size());
      fields.push_back({"hex", hexadecimal(payload)});
      if (is_plain(payload)) fields.push_back({"text", std::string(payload)});
      output += json_line("datagram", fields) + '\n';
      return;
    }
  }
}

}  // namespace sockx
