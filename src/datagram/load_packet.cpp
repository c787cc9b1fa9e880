#include "datagram/load_packet.hpp"

#include <endian.h>

#include <chrono>
#include <cstring>

namespace sockx {

namespace {

std::byte* put32(std::byte* at, std::uint32_t number) {
  number = htobe32(number);
  std::memcpy(at, &number, sizeof number);
  return at + sizeof number;
}
std::byte* put64(std::byte* at, std::uint64_t number) {
  number = htobe64(number);
  std::memcpy(at, &number, sizeof number);
  return at + sizeof number;
}
std::uint32_t read32(const std::byte* at) {
  std::uint32_t number = 0;
  std::memcpy(&number, at, sizeof number);
  return be32toh(number);
}
std::uint64_t read64(const std::byte* at) {
  std::uint64_t number = 0;
  std::memcpy(&number, at, sizeof number);
  return be64toh(number);
}

/// The numbers of a report, in the order in which they are sent.
template <class Report, class Visit>
void for_each_number(Report& report, Visit visit) {
  visit(report.sent);
  visit(report.received);
  visit(report.bytes);
  visit(report.reordered);
  visit(report.duplicated);
  visit(report.nanoseconds);
  visit(report.jitter);
}

}  // namespace

void LoadHeader::put(std::byte* at) const {
  at = put32(at, static_cast<std::uint32_t>(kind));
  at = put32(at, stream);
  at = put64(at, sequence);
  put64(at, time);
}

std::optional<LoadHeader> LoadHeader::read(std::span<const std::byte> bytes) {
  if (bytes.size() < size) return {};
  const auto kind = static_cast<Kind>(read32(bytes.data()));
  if (kind != Kind::load && kind != Kind::end && kind != Kind::report) return {};
  return LoadHeader{kind, read32(bytes.data() + 4), read64(bytes.data() + 8), read64(bytes.data() + 16)};
}

std::vector<std::byte> LoadReport::datagram(std::uint32_t stream) const {
  std::vector<std::byte> packet(LoadHeader::size + size);
  LoadHeader{LoadHeader::Kind::report, stream, sent, 0}.put(packet.data());
  auto* at = packet.data() + LoadHeader::size;
  for_each_number(*this, [&](std::uint64_t number) { at = put64(at, number); });
  return packet;
}

std::optional<LoadReport> LoadReport::read(std::span<const std::byte> packet, std::uint32_t stream) {
  const auto header = LoadHeader::read(packet);
  if (!header || header->kind != LoadHeader::Kind::report || header->stream != stream) return {};
  if (packet.size() < LoadHeader::size + size) return {};
  LoadReport report;
  const auto* at = packet.data() + LoadHeader::size;
  for_each_number(report, [&](std::uint64_t& number) {
    number = read64(at);
    at += sizeof number;
  });
  if (report.received > report.sent) return {};
  if (report.nanoseconds > static_cast<std::uint64_t>(std::chrono::nanoseconds::max().count())) return {};
  return report;
}

}  // namespace sockx
