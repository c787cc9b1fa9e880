// The datagrams of a load, and IP packets: whatever the bytes are, they are read within their bounds, and
// what is read is written again as it was. A count of any datagrams adds up.
#include "datagram/load_packet.hpp"

#include "datagram/load_count.hpp"
#include "net/datagram/raw_socket.hpp"
#include "support.hpp"

using namespace sockx;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto header = LoadHeader::read(bytes)) {
    std::vector<std::byte> again(LoadHeader::size);
    header->put(again.data());
    assert(std::equal(again.begin(), again.end(), bytes.begin()));
    if (const auto report = LoadReport::read(bytes, header->stream)) {
      const auto written = report->datagram(header->stream);
      assert(std::equal(written.begin() + LoadHeader::size, written.end(), bytes.begin() + LoadHeader::size));
    }
  }
  LoadCount count;
  std::uint64_t taken = 0;
  for (std::size_t at = 0; at + 3 <= size; at += 3, ++taken) {
    const std::uint64_t sequence = (std::uint64_t{data[at]} << (data[at + 1] % 50)) + data[at + 2];
    count.take({LoadHeader::Kind::load, 0, sequence, taken}, 1, taken, true);
    const auto report = count.report();
    assert(report.received + report.duplicated == taken + 1);
    assert(report.sent >= report.received && report.received + report.lost() == report.sent);
  }
  assert(ipv4_header_size(bytes) <= size);
  for (const int family : {AF_INET, AF_INET6}) {
    try {
      assert(destination_in_header(bytes, family).family() == family);
    } catch (const BadInput&) {
      continue;
    }
  }
  if (size >= 2) {
    std::vector<std::byte> packet(bytes.begin(), bytes.end());
    packet[0] = packet[1] = std::byte{0};
    const auto sum = internet_checksum(packet);
    packet[0] = static_cast<std::byte>(sum >> 8U);
    packet[1] = static_cast<std::byte>(sum & 0xffU);
    assert(internet_checksum(packet) == 0);
  }
  return 0;
}
