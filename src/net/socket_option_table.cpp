// The rows. A new option is a row here and an .It Dv in sockx(1).
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

#include "net/socket_option.hpp"

namespace sockx {

namespace {

using Type = SocketOption::Type;
using Phase = SocketOption::Phase;

constexpr auto before = Phase::before_connection;
constexpr auto connected = Phase::connected;
constexpr auto dialing = Phase::dialing;
constexpr auto listening = Phase::listening;

constexpr std::array table{
    SocketOption{"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, Type::boolean, before,
                 "bind to a port whose earlier connections are still in TIME_WAIT"},
    SocketOption{"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, Type::boolean, before,
                 "let several processes of one user listen on one port and share its connections"},
    SocketOption{
        "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, Type::integer, before,
        "fix the receive buffer and with it the window; the kernel doubles the value and stops tuning it"},
    SocketOption{"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, Type::integer, before,
                 "fix how much may wait unacknowledged; the kernel doubles the value and stops tuning it"},
    SocketOption{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, Type::boolean, connected,
                 "probe a silent peer, so that one that vanished is noticed"},
    SocketOption{"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, Type::integer, connected,
                 "wake the reader only when so many bytes have arrived"},
    SocketOption{"SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, Type::integer, before,
                 "choose the queue of the network device that packets wait in"},
    SocketOption{"SO_MARK", SOL_SOCKET, SO_MARK, Type::integer, before,
                 "mark packets for the firewall and for routing by policy"},
    SocketOption{"SO_MAX_PACING_RATE", SOL_SOCKET, SO_MAX_PACING_RATE, Type::integer, connected,
                 "let the kernel spread packets so that no more than so many bytes leave in a second"},
    SocketOption{"SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, Type::integer, before,
                 "SO_RCVBUF beyond the limit of net.core.rmem_max (needs CAP_NET_ADMIN)"},
    SocketOption{"SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE, Type::integer, before,
                 "SO_SNDBUF beyond the limit of net.core.wmem_max (needs CAP_NET_ADMIN)"},
    SocketOption{"SO_DONTROUTE", SOL_SOCKET, SO_DONTROUTE, Type::boolean, before,
                 "send to directly connected hosts only, never through a gateway"},
    SocketOption{"SO_BINDTODEVICE", SOL_SOCKET, SO_BINDTODEVICE, Type::text, before,
                 "use one network interface only, as --interface does"},
    SocketOption{"SO_INCOMING_CPU", SOL_SOCKET, SO_INCOMING_CPU, Type::integer, before,
                 "prefer connections whose packets arrive on this CPU"},
    SocketOption{"SO_TXREHASH", SOL_SOCKET, SO_TXREHASH, Type::boolean, before,
                 "choose another path where packets get lost"},
    SocketOption{"SO_LINGER", SOL_SOCKET, SO_LINGER, Type::linger, connected,
                 "how long close(2) may take; on,0 makes it a reset"},
    SocketOption{"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, Type::boolean, connected,
                 "leave urgent bytes in the stream"},
    SocketOption{"SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, Type::timeval, connected,
                 "limit how long a blocking receive waits, in whoever inherits the socket"},
    SocketOption{"SO_SNDTIMEO", SOL_SOCKET, SO_SNDTIMEO, Type::timeval, connected,
                 "limit how long a blocking send waits, in whoever inherits the socket"},
    SocketOption{"SO_BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL, Type::integer, connected,
                 "microseconds to poll the network device for before sleeping"},
    SocketOption{"SO_ZEROCOPY", SOL_SOCKET, SO_ZEROCOPY, Type::boolean, connected,
                 "permit MSG_ZEROCOPY to whoever inherits the socket"},
    SocketOption{"IP_TOS", IPPROTO_IP, IP_TOS, Type::integer, before,
                 "set the type-of-service byte of IPv4 packets, DSCP in its upper six bits"},
    SocketOption{"IP_TTL", IPPROTO_IP, IP_TTL, Type::integer, before,
                 "limit how many routers an IPv4 packet may pass"},
    SocketOption{"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, Type::boolean, before,
                 "bind to an address that this host does not have yet"},
    SocketOption{"IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, Type::boolean, before,
                 "bind to foreign addresses, as a transparent proxy does (needs CAP_NET_ADMIN)"},
    SocketOption{"IP_MTU_DISCOVER", IPPROTO_IP, IP_MTU_DISCOVER, Type::integer, before,
                 "path MTU discovery: 0 never, 1 by route, 2 always, 3 probe"},
    SocketOption{"IP_MINTTL", IPPROTO_IP, IP_MINTTL, Type::integer, before,
                 "drop packets that have passed more routers than this leaves"},
    SocketOption{"IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, Type::boolean, dialing,
                 "choose the port at connect(2), when the peer is known"},
    SocketOption{"IPV6_V6ONLY", IPPROTO_IPV6, IPV6_V6ONLY, Type::boolean, before,
                 "keep IPv4 clients away from an IPv6 socket"},
    SocketOption{"IPV6_TCLASS", IPPROTO_IPV6, IPV6_TCLASS, Type::integer, before,
                 "set the traffic class byte of IPv6 packets"},
    SocketOption{"IPV6_UNICAST_HOPS", IPPROTO_IPV6, IPV6_UNICAST_HOPS, Type::integer, before,
                 "limit how many routers an IPv6 packet may pass"},
    SocketOption{"IPV6_FREEBIND", IPPROTO_IPV6, IPV6_FREEBIND, Type::boolean, before,
                 "bind to an address that this host does not have yet"},
    SocketOption{"IPV6_TRANSPARENT", IPPROTO_IPV6, IPV6_TRANSPARENT, Type::boolean, before,
                 "bind to foreign addresses (needs CAP_NET_ADMIN)"},
    SocketOption{"IPV6_MTU_DISCOVER", IPPROTO_IPV6, IPV6_MTU_DISCOVER, Type::integer, before,
                 "path MTU discovery: 0 never, 1 by route, 2 always, 3 probe"},
    SocketOption{"IPV6_MINHOPCOUNT", IPPROTO_IPV6, IPV6_MINHOPCOUNT, Type::integer, before,
                 "drop packets that have passed more routers than this leaves"},
    SocketOption{"IPV6_AUTOFLOWLABEL", IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, Type::boolean, before,
                 "label the packets of the connection as one flow"},
    SocketOption{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, Type::boolean, connected,
                 "send small writes at once instead of waiting for an acknowledgement to collect them"},
    SocketOption{"TCP_MAXSEG", IPPROTO_TCP, TCP_MAXSEG, Type::integer, before,
                 "cap the segment size that is announced to the peer"},
    SocketOption{"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, Type::integer, connected,
                 "seconds of silence before the first keep-alive probe"},
    SocketOption{"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, Type::integer, connected,
                 "seconds between keep-alive probes"},
    SocketOption{"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, Type::integer, connected,
                 "unanswered probes after which the connection is given up"},
    SocketOption{"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, Type::integer, connected,
                 "milliseconds that sent bytes may stay unacknowledged before the connection is given up"},
    SocketOption{"TCP_CONGESTION", IPPROTO_TCP, TCP_CONGESTION, Type::text, connected,
                 "choose the algorithm that decides how fast to send, as --congestion does"},
    SocketOption{"TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, Type::integer, before,
                 "bound the window that is announced to the peer"},
    SocketOption{"TCP_CORK", IPPROTO_TCP, TCP_CORK, Type::boolean, connected,
                 "hold partial segments back, for up to 200 ms"},
    SocketOption{"TCP_QUICKACK", IPPROTO_TCP, TCP_QUICKACK, Type::boolean, connected,
                 "acknowledge at once, until the kernel thinks otherwise"},
    SocketOption{"TCP_NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, Type::integer, connected,
                 "take more to send only while less than this waits unsent"},
    SocketOption{"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, Type::integer, connected,
                 "seconds in FIN_WAIT2 after closing"},
    SocketOption{"TCP_THIN_LINEAR_TIMEOUTS", IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, Type::boolean, connected,
                 "retransmit a thin stream without doubling the intervals"},
    SocketOption{"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, Type::integer, dialing,
                 "how often a SYN is sent again before connecting is given up"},
    SocketOption{"TCP_FASTOPEN_CONNECT", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, Type::boolean, dialing,
                 "connect with the first data (RFC 7413), where a cookie is known"},
    SocketOption{"TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, Type::integer, listening,
                 "take data in SYN (RFC 7413), from so many at a time"},
    SocketOption{"TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, Type::integer, listening,
                 "accept a connection only when its first data is there; seconds to wait for that"},
};

}  // namespace

std::span<const SocketOption> socket_options() { return table; }

}  // namespace sockx
