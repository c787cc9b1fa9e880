// How datagrams are shown on standard output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/flags.hpp"
#include "cli/report.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

enum class DatagramFormat { raw, line, text, hex, json };

/// --format; `usual` says what it is without one.
void add_format_flag(Flags& flags, std::optional<DatagramFormat>& format, const std::string& usual);

/// Adds to `output`:
///  - raw: the bytes;
///  - line: the bytes, and a newline unless they end with one;
///  - text: the source and the bytes on a line, with a question mark for each control character;
///  - hex: the source and the bytes in hexadecimal on a line;
///  - json: an object on a line with all facts about the datagram.
/// `bytes` are those of the datagram, or of one in a GRO train.
void show_datagram(DatagramFormat format, const Datagram& datagram, std::span<const std::byte> bytes,
                   std::string& output);

/// The facts about a datagram, without its bytes, for an event.
std::vector<Field> facts_of(const Datagram& datagram, std::size_t size);

}  // namespace sockx
