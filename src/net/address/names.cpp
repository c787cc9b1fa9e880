#include "net/address/names.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

namespace sockx {

namespace {

#define NAMED(constant) \
  NamedNumber { #constant, constant }

constexpr std::array families{
    NAMED(AF_UNSPEC),  NAMED(AF_UNIX), NAMED(AF_LOCAL), NAMED(AF_INET),      NAMED(AF_AX25),
    NAMED(AF_IPX),     NAMED(AF_X25),  NAMED(AF_INET6), NAMED(AF_KEY),       NAMED(AF_NETLINK),
    NAMED(AF_PACKET),  NAMED(AF_RDS),  NAMED(AF_PPPOX), NAMED(AF_LLC),       NAMED(AF_IB),
    NAMED(AF_MPLS),    NAMED(AF_CAN),  NAMED(AF_TIPC),  NAMED(AF_BLUETOOTH), NAMED(AF_RXRPC),
    NAMED(AF_PHONET),  NAMED(AF_ALG),  NAMED(AF_NFC),   NAMED(AF_VSOCK),     NAMED(AF_KCM),
    NAMED(AF_QIPCRTR), NAMED(AF_SMC),  NAMED(AF_XDP),
};

constexpr std::array types{NAMED(SOCK_STREAM),    NAMED(SOCK_DGRAM), NAMED(SOCK_RAW),   NAMED(SOCK_RDM),
                           NAMED(SOCK_SEQPACKET), NAMED(SOCK_DCCP),  NAMED(SOCK_PACKET)};

constexpr std::array protocols{
    NAMED(IPPROTO_IP),   NAMED(IPPROTO_ICMP),    NAMED(IPPROTO_IGMP), NAMED(IPPROTO_IPIP),
    NAMED(IPPROTO_TCP),  NAMED(IPPROTO_UDP),     NAMED(IPPROTO_DCCP), NAMED(IPPROTO_IPV6),
    NAMED(IPPROTO_GRE),  NAMED(IPPROTO_ESP),     NAMED(IPPROTO_AH),   NAMED(IPPROTO_ICMPV6),
    NAMED(IPPROTO_SCTP), NAMED(IPPROTO_UDPLITE), NAMED(IPPROTO_RAW),  NAMED(IPPROTO_MPTCP),
};

constexpr std::array hints{NAMED(AI_PASSIVE),  NAMED(AI_CANONNAME), NAMED(AI_NUMERICHOST),
                           NAMED(AI_V4MAPPED), NAMED(AI_ALL),       NAMED(AI_ADDRCONFIG),
                           NAMED(AI_IDN),      NAMED(AI_CANONIDN),  NAMED(AI_NUMERICSERV)};

constexpr std::array name_flags{NAMED(NI_NUMERICHOST), NAMED(NI_NUMERICSERV), NAMED(NI_NOFQDN),
                                NAMED(NI_NAMEREQD),    NAMED(NI_DGRAM),       NAMED(NI_IDN),
                                NAMED(NI_NUMERICSCOPE)};

constexpr std::array errors{
    NAMED(EAI_BADFLAGS),   NAMED(EAI_NONAME),   NAMED(EAI_AGAIN),      NAMED(EAI_FAIL),   NAMED(EAI_NODATA),
    NAMED(EAI_FAMILY),     NAMED(EAI_SOCKTYPE), NAMED(EAI_SERVICE),    NAMED(EAI_MEMORY), NAMED(EAI_SYSTEM),
    NAMED(EAI_ADDRFAMILY), NAMED(EAI_OVERFLOW), NAMED(EAI_IDN_ENCODE),
};

constexpr std::array h_errors{NAMED(HOST_NOT_FOUND), NAMED(TRY_AGAIN), NAMED(NO_RECOVERY), NAMED(NO_DATA),
                              NAMED(NETDB_INTERNAL)};

#undef NAMED

}  // namespace

constexpr NameTable address_families{"address family", "AF_", families};
constexpr NameTable socket_types{"socket type", "SOCK_", types};
constexpr NameTable ip_protocols{"protocol", "IPPROTO_", protocols};
constexpr NameTable ai_flags{"flag of getaddrinfo(3)", "AI_", hints};
constexpr NameTable ni_flags{"flag of getnameinfo(3)", "NI_", name_flags};
constexpr NameTable eai_errors{"error of getaddrinfo(3)", "EAI_", errors};
constexpr NameTable host_errors{"error of gethostbyname(3)", "", h_errors};

std::string protocol_name(int protocol) { return protocol == 0 ? "0" : ip_protocols.name_of(protocol); }

}  // namespace sockx
