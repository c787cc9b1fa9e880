#include "net/option/tcp_info.hpp"

#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/named_numbers.hpp"

namespace sockx {

namespace {

// The kernel's own header of these, tcp_states.h, is not for programs.
constexpr std::array state_rows{
    NamedNumber{"ESTABLISHED", 1}, NamedNumber{"SYN_SENT", 2},   NamedNumber{"SYN_RECV", 3},
    NamedNumber{"FIN_WAIT1", 4},   NamedNumber{"FIN_WAIT2", 5},  NamedNumber{"TIME_WAIT", 6},
    NamedNumber{"CLOSE", 7},       NamedNumber{"CLOSE_WAIT", 8}, NamedNumber{"LAST_ACK", 9},
    NamedNumber{"LISTEN", 10},     NamedNumber{"CLOSING", 11},
};
constexpr NameTable states{"state", "", state_rows};
constexpr int listen_state = 10;  // in which two members count connections

constexpr std::array congestion_rows{NamedNumber{"Open", TCP_CA_Open},
                                     NamedNumber{"Disorder", TCP_CA_Disorder}, NamedNumber{"CWR", TCP_CA_CWR},
                                     NamedNumber{"Recovery", TCP_CA_Recovery},
                                     NamedNumber{"Loss", TCP_CA_Loss}};
constexpr NameTable congestion_states{"state of congestion control", "", congestion_rows};

constexpr std::array option_rows{
    NamedNumber{"timestamps", TCPI_OPT_TIMESTAMPS}, NamedNumber{"sack", TCPI_OPT_SACK},
    NamedNumber{"wscale", TCPI_OPT_WSCALE},         NamedNumber{"ecn", TCPI_OPT_ECN},
    NamedNumber{"ecn_seen", TCPI_OPT_ECN_SEEN},     NamedNumber{"syn_data", TCPI_OPT_SYN_DATA},
};
constexpr NameTable options{"option", "", option_rows};

/// A member that is a plain number.
struct Member {
  std::string_view name;
  std::size_t offset, size;
  std::string_view unit;
};

#define MEMBER(name, unit) \
  Member { #name, offsetof(tcp_info, tcpi_##name), sizeof(tcp_info::tcpi_##name), unit }

constexpr std::array members{
    MEMBER(retransmits, ""),
    MEMBER(probes, ""),
    MEMBER(backoff, ""),
    MEMBER(rto, "us"),
    MEMBER(ato, "us"),
    MEMBER(snd_mss, "bytes"),
    MEMBER(rcv_mss, "bytes"),
    MEMBER(unacked, "segments"),
    MEMBER(sacked, "segments"),
    MEMBER(lost, "segments"),
    MEMBER(retrans, "segments"),
    MEMBER(fackets, "segments"),
    MEMBER(last_data_sent, "ms"),
    MEMBER(last_ack_sent, "ms"),
    MEMBER(last_data_recv, "ms"),
    MEMBER(last_ack_recv, "ms"),
    MEMBER(pmtu, "bytes"),
    MEMBER(rcv_ssthresh, "bytes"),
    MEMBER(rtt, "us"),
    MEMBER(rttvar, "us"),
    MEMBER(snd_ssthresh, "segments"),
    MEMBER(snd_cwnd, "segments"),
    MEMBER(advmss, "bytes"),
    MEMBER(reordering, "segments"),
    MEMBER(rcv_rtt, "us"),
    MEMBER(rcv_space, "bytes"),
    MEMBER(total_retrans, "segments"),
    MEMBER(pacing_rate, "bytes/s"),
    MEMBER(max_pacing_rate, "bytes/s"),
    MEMBER(bytes_acked, "bytes"),
    MEMBER(bytes_received, "bytes"),
    MEMBER(segs_out, "segments"),
    MEMBER(segs_in, "segments"),
    MEMBER(notsent_bytes, "bytes"),
    MEMBER(min_rtt, "us"),
    MEMBER(data_segs_in, "segments"),
    MEMBER(data_segs_out, "segments"),
    MEMBER(delivery_rate, "bytes/s"),
    MEMBER(busy_time, "us"),
    MEMBER(rwnd_limited, "us"),
    MEMBER(sndbuf_limited, "us"),
    MEMBER(delivered, "segments"),
    MEMBER(delivered_ce, "segments"),
    MEMBER(bytes_sent, "bytes"),
    MEMBER(bytes_retrans, "bytes"),
    MEMBER(dsack_dups, "segments"),
    MEMBER(reord_seen, ""),
    MEMBER(rcv_ooopack, "segments"),
    MEMBER(snd_wnd, "bytes"),
};

#undef MEMBER

template <class Number>
Number read(const char* place) {
  Number number = 0;
  std::memcpy(&number, place, sizeof number);
  return number;
}

std::uint64_t number_at(const char* place, std::size_t size) {
  switch (size) {
    case 1:
      return read<std::uint8_t>(place);
    case 4:
      return read<std::uint32_t>(place);
    default:
      return read<std::uint64_t>(place);
  }
}

}  // namespace

std::vector<OptionMember> decode_tcp_info(std::string_view bytes) {
  tcp_info info{};
  bytes.copy(reinterpret_cast<char*>(&info), sizeof info);
  std::vector<OptionMember> found{
      {"state", states.name_of(info.tcpi_state)},
      {"ca_state", congestion_states.name_of(info.tcpi_ca_state)},
      {"options", options.names_of(info.tcpi_options)},
      {"snd_wscale", std::uint64_t{info.tcpi_snd_wscale}, "bits"},
      {"rcv_wscale", std::uint64_t{info.tcpi_rcv_wscale}, "bits"},
      {"delivery_rate_app_limited", info.tcpi_delivery_rate_app_limited != 0},
      {"fastopen_client_fail", std::uint64_t{info.tcpi_fastopen_client_fail}},
  };
  const bool listens = info.tcpi_state == listen_state;
  for (const auto& [name, offset, size, unit] : members) {
    if (offset + size > bytes.size()) continue;
    const auto number = number_at(bytes.data() + offset, size);
    if (listens && name == "unacked")
      found.push_back({"accept_queue", number, "connections"});
    else if (listens && name == "sacked")
      found.push_back({"backlog", number, "connections"});
    else
      found.push_back({name, number, unit});
  }
  return found;
}

std::string tcp_state_of(std::string_view bytes) {
  return bytes.empty() ? "" : states.name_of(static_cast<unsigned char>(bytes.front()));
}

std::optional<std::uint64_t> acknowledged_bytes(std::string_view bytes) {
  tcp_info info{};
  constexpr auto needed = offsetof(tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked;
  if (bytes.size() < needed) return std::nullopt;
  std::memcpy(&info, bytes.data(), std::min(bytes.size(), sizeof info));
  return info.tcpi_bytes_acked;
}

}  // namespace sockx
