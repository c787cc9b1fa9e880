#include "net/datagram/datagrams.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/fd_passing.hpp"
#include "os/message_flags.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

constexpr std::size_t control_room = 256;  // for all that DatagramOptions asks for

/// Control messages of a datagram to be sent; not initialized, for that would cost time in each call. The
/// last is counted without its padding: for more than 36 bytes the kernel has to allocate memory.
struct OutgoingControl {
  static constexpr std::size_t room = CMSG_SPACE(sizeof(std::uint16_t)) + CMSG_SPACE(sizeof(in6_pktinfo));
  alignas(cmsghdr) std::array<char, room> bytes;

  template <class Value>
  void add(msghdr& header, int level, int type, const Value& value) {
    const auto begin = CMSG_ALIGN(header.msg_controllen);
    auto* const part = reinterpret_cast<cmsghdr*>(bytes.data() + begin);
    part->cmsg_level = level;
    part->cmsg_type = type;
    part->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(part), &value, sizeof value);
    header.msg_control = bytes.data();
    header.msg_controllen = begin + part->cmsg_len;
  }
  /// Over a socket of IPv6, IPV6_PKTINFO has an IPv4 address too. An interface is named only where the
  /// address means nothing without it; otherwise the route says where the datagram leaves.
  void add_source(msghdr& header, const Address& source) {
    if (source.family() == AF_INET) {
      in_pktinfo info{};
      info.ipi_spec_dst = reinterpret_cast<const sockaddr_in*>(source.data())->sin_addr;
      add(header, IPPROTO_IP, IP_PKTINFO, info);
    } else {
      in6_pktinfo info{};
      info.ipi6_addr = reinterpret_cast<const sockaddr_in6*>(source.data())->sin6_addr;
      info.ipi6_ifindex = source.scope_id();
      add(header, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
  }
};

template <class Value>
Value value_of(const cmsghdr* part) {
  Value value{};
  std::memcpy(&value, CMSG_DATA(part), std::min(sizeof value, part->cmsg_len - CMSG_LEN(0)));
  return value;
}

Address address_of(in_addr host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = host;
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

Address address_of(const in6_addr& host, unsigned interface) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = host;
  if (IN6_IS_ADDR_LINKLOCAL(&host) || IN6_IS_ADDR_MC_LINKLOCAL(&host)) address.sin6_scope_id = interface;
  return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

/// Only unix sockets can be without a name.
Address source_of(const msghdr& header) {
  sockaddr nameless{};
  nameless.sa_family = AF_UNIX;
  if (header.msg_namelen == 0) return {&nameless, sizeof nameless.sa_family};
  return {static_cast<const sockaddr*>(header.msg_name), header.msg_namelen};
}

std::string noted(std::span<const Datagram> received) {
  if (received.empty()) return "";
  const auto& first = received.front();
  const auto one = text("{} from {}", counted(first.size, "byte"), shown_address(first.source));
  return received.size() == 1 ? one : text("{}, ...", one);
}

}  // namespace

std::string shown_address(const Address& address) {
  return is_internet(address.family()) && address.port() == 0 ? address.host() : address.to_string();
}

/// The arrays that recvmmsg(2) fills. Memory that no datagram has reached is never touched.
struct DatagramReader::Slots {
  explicit Slots(const Options& options)
      : buffer(std::make_unique_for_overwrite<std::byte[]>(options.most * options.batch)),
        control(std::make_unique_for_overwrite<std::byte[]>(control_room * options.batch)),
        messages(options.batch),
        pieces(options.batch),
        names(options.batch) {}
  std::unique_ptr<std::byte[]> buffer, control;
  std::vector<mmsghdr> messages;
  std::vector<iovec> pieces;
  std::vector<sockaddr_storage> names;
};

DatagramReader::DatagramReader(Descriptor socket, Options options)
    : socket_(std::move(socket)), options_(options), slots_(std::make_unique<Slots>(options)) {}
DatagramReader::~DatagramReader() = default;

std::span<const Datagram> DatagramReader::receive(std::size_t limit) {
  const auto wanted = std::min<std::size_t>(limit, options_.batch);
  for (std::size_t i = 0; i < wanted; ++i) {
    slots_->pieces[i] = {&slots_->buffer[i * options_.most], options_.most};
    auto& header = slots_->messages[i].msg_hdr;
    header = {};
    header.msg_name = &slots_->names[i];
    header.msg_namelen = sizeof(sockaddr_storage);
    header.msg_iov = &slots_->pieces[i];
    header.msg_iovlen = 1;
    header.msg_control = &slots_->control[i * control_room];
    header.msg_controllen = control_room;
  }
  // With MSG_TRUNC the kernel tells a datagram's own size, whatever of it found room.
  const int flags = options_.flags | MSG_DONTWAIT | MSG_TRUNC;
  const int count = uninterrupted([&] {
    return recvmmsg(socket_.fd, slots_->messages.data(), static_cast<unsigned>(wanted), flags, nullptr);
  });
  const int error = errno;
  received_.clear();
  for (int i = 0; i < count; ++i) {
    auto& [header, size] = slots_->messages[static_cast<std::size_t>(i)];
    auto& datagram = received_.emplace_back();
    datagram.size = size;
    datagram.bytes = {static_cast<const std::byte*>(header.msg_iov->iov_base),
                      std::min<std::size_t>(size, options_.most)};
    datagram.source = source_of(header);
    datagram.flags = header.msg_flags;
    read_control(datagram, &header);
    close_passed_fds(header);
  }
  if (calls_are_observed()) {
    errno = error;
    tell_observer("recvmmsg", text("{}, {}, {}", socket_.fd, wanted, message_flags(options_.flags)), count,
                  noted(received_));
  }
  if (count < 0 && error != EAGAIN) throw Error(error, text("recvmmsg {}", socket_.name), socket_.origin);
  return received_;
}

void DatagramReader::read_control(Datagram& datagram, const void* message) {
  auto* const header =
      const_cast<msghdr*>(static_cast<const msghdr*>(message));  // CMSG_NXTHDR takes no const
  for (auto* part = CMSG_FIRSTHDR(header); part != nullptr; part = CMSG_NXTHDR(header, part)) {
    const auto is = [part](int level, int type) {
      return part->cmsg_level == level && part->cmsg_type == type;
    };
    if (is(SOL_SOCKET, SO_RXQ_OVFL)) {
      dropped_ = value_of<std::uint32_t>(part);
    } else if (is(SOL_UDP, UDP_GRO)) {
      const auto segment = static_cast<std::size_t>(value_of<int>(part));
      if (segment < datagram.bytes.size()) datagram.segment = segment;
    } else if (is(IPPROTO_IP, IP_PKTINFO)) {
      const auto info = value_of<in_pktinfo>(part);
      if (!datagram.destination) datagram.destination = address_of(info.ipi_addr);  // or it is mapped
      datagram.interface = static_cast<unsigned>(info.ipi_ifindex);
      // Not so of a group or a broadcast address.
      const bool is_ours = info.ipi_spec_dst.s_addr == info.ipi_addr.s_addr;
      datagram.is_answered_from_destination = options_.answers_as_addressed && is_ours;
    } else if (is(IPPROTO_IPV6, IPV6_PKTINFO)) {
      const auto info = value_of<in6_pktinfo>(part);
      datagram.destination = address_of(info.ipi6_addr, info.ipi6_ifindex);
      datagram.interface = info.ipi6_ifindex;
      if (datagram.destination->is_ipv4_mapped()) continue;  // IP_PKTINFO comes with it
      datagram.is_answered_from_destination =
          options_.answers_as_addressed && !datagram.destination->is_multicast();
    } else if (is(IPPROTO_IP, IP_TTL) || is(IPPROTO_IPV6, IPV6_HOPLIMIT)) {
      datagram.ttl = value_of<int>(part);
    } else if (is(IPPROTO_IP, IP_TOS)) {
      datagram.tos = value_of<std::uint8_t>(part);
    } else if (is(IPPROTO_IPV6, IPV6_TCLASS)) {
      datagram.tos = value_of<int>(part);
    } else if (is(SOL_SOCKET, SCM_CREDENTIALS)) {
      datagram.user = value_of<ucred>(part).uid;
    } else if (is(SOL_SOCKET, SCM_TIMESTAMPNS)) {
      const auto time = value_of<timespec>(part);
      datagram.time = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
    }
  }
}

namespace {

SendOutcome try_to_send(const Descriptor& socket, std::span<const OutgoingDatagram> datagrams, int flags) {
  std::array<mmsghdr, most_at_once> messages;
  std::array<iovec, most_at_once> pieces;
  std::array<OutgoingControl, most_at_once> controls;
  const auto count = std::min(datagrams.size(), most_at_once);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& [bytes, to, segment, from] = datagrams[i];
    pieces[i] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    auto& header = messages[i].msg_hdr;
    header = {};
    header.msg_name = to != nullptr ? const_cast<sockaddr*>(to->data()) : nullptr;
    header.msg_namelen = to != nullptr ? to->size() : 0;
    header.msg_iov = &pieces[i];
    header.msg_iovlen = 1;
    if (segment != 0) controls[i].add(header, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment));
    if (from != nullptr) controls[i].add_source(header, *from);
  }
  const int all_flags = flags | MSG_NOSIGNAL;
  const int sent = uninterrupted([&] {
    return sendmmsg(socket.fd, messages.data(), static_cast<unsigned>(count), all_flags | MSG_DONTWAIT);
  });
  if (calls_are_observed() && count > 0) {
    const auto& [bytes, to, segment, from] = datagrams.front();
    const int error = errno;
    auto shown = text("{}, {}, {}", socket.fd, count, message_flags(all_flags));
    auto note = text("{}{}{}{}{}", counted(bytes.size(), "byte"),
                     segment != 0 ? text(" in pieces of {}", segment) : "",
                     to != nullptr ? " to " + shown_address(*to) : "",
                     from != nullptr ? " from " + from->host() : "", count > 1 ? ", ..." : "");
    errno = error;
    tell_observer("sendmmsg", std::move(shown), sent, note);
  }
  return sent > 0 ? SendOutcome{static_cast<std::size_t>(sent), 0} : SendOutcome{0, errno};
}

/// Whether an error may say that the source is none of our addresses: IPv4 has ENETUNREACH for that, older
/// kernels EINVAL, IPv6 has EINVAL, and ENODEV where its interface is gone.
bool may_be_of_source(int error) { return error == ENETUNREACH || error == EINVAL || error == ENODEV; }

}  // namespace

SendOutcome send_datagrams(const Descriptor& socket, std::span<const OutgoingDatagram> datagrams, int flags) {
  auto outcome = try_to_send(socket, datagrams, flags);
  if (!may_be_of_source(outcome.error) || datagrams.front().from == nullptr) return outcome;
  auto first = datagrams.front();
  outcome = try_to_send(socket, {&first, 1}, flags);  // the error may have been of an earlier datagram
  if (!may_be_of_source(outcome.error)) return outcome;
  first.from = nullptr;
  return try_to_send(socket, {&first, 1}, flags);
}

bool refuses_train(int error) {
  return error == EINVAL || error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT || error == EMSGSIZE;
}

std::size_t longest_datagram(const Address& to) {
  constexpr std::size_t with_udp_header = 65535 - 8, with_ip_header = with_udp_header - 20;
  switch (to.family()) {
    case AF_INET:
      return with_ip_header;
    case AF_INET6:
      return to.is_ipv4_mapped() ? with_ip_header : with_udp_header;
    default:
      return SIZE_MAX;
  }
}

}  // namespace sockx
