#include "os/message_flags.hpp"

#include <sys/socket.h>

#include <array>

#include "base/named_numbers.hpp"
#include "os/observer.hpp"

namespace sockx {

namespace {

constexpr std::array sending{MessageFlag{"oob", MSG_OOB}, MessageFlag{"more", MSG_MORE},
                             MessageFlag{"dontroute", MSG_DONTROUTE}};
constexpr std::array receiving{MessageFlag{"peek", MSG_PEEK},
                               MessageFlag{"waitall", MSG_WAITALL},
                               MessageFlag{"trunc", MSG_TRUNC},
                               MessageFlag{"oob", MSG_OOB},
                               MessageFlag{"dontwait", MSG_DONTWAIT},
                               MessageFlag{"errqueue", MSG_ERRQUEUE},
                               MessageFlag{"cmsg-cloexec", MSG_CMSG_CLOEXEC}};
constexpr auto names = std::to_array<NamedNumber>({{"MSG_PEEK", MSG_PEEK},
                                                   {"MSG_WAITALL", MSG_WAITALL},
                                                   {"MSG_TRUNC", MSG_TRUNC},
                                                   {"MSG_OOB", MSG_OOB},
                                                   {"MSG_DONTWAIT", MSG_DONTWAIT},
                                                   {"MSG_ERRQUEUE", MSG_ERRQUEUE},
                                                   {"MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC},
                                                   {"MSG_MORE", MSG_MORE},
                                                   {"MSG_DONTROUTE", MSG_DONTROUTE},
                                                   {"MSG_EOR", MSG_EOR},
                                                   {"MSG_CTRUNC", MSG_CTRUNC},
                                                   {"MSG_NOSIGNAL", MSG_NOSIGNAL}});

}  // namespace

std::span<const MessageFlag> send_flags() { return sending; }
std::span<const MessageFlag> recv_flags() { return receiving; }

std::string shown_flags(int flags) { return calls_are_observed() ? message_flags(flags) : ""; }

std::string message_flags(int flags) { return NameTable{"message flag", "MSG_", names}.names_of(flags); }

}  // namespace sockx
