#include "os/message_flags.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
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
/// What nobody chooses, but the kernel returns or we always pass.
constexpr std::array further{MessageFlag{"eor", MSG_EOR}, MessageFlag{"ctrunc", MSG_CTRUNC},
                             MessageFlag{"nosignal", MSG_NOSIGNAL}};

std::string name_in_c(std::string_view name) {
  std::string result = "MSG_";
  for (const char letter : name)
    result += letter == '-' ? '_' : static_cast<char>(letter >= 'a' ? letter - 'a' + 'A' : letter);
  return result;
}

}  // namespace

std::span<const MessageFlag> send_flags() { return sending; }
std::span<const MessageFlag> recv_flags() { return receiving; }

std::string shown_flags(int flags) { return calls_are_observed() ? message_flags(flags) : ""; }

std::string message_flags(int flags) {
  std::string shown;
  for (const auto& some : {std::span<const MessageFlag>(receiving), std::span<const MessageFlag>(sending),
                           std::span<const MessageFlag>(further)})
    for (const auto& [name, number] : some)
      if ((flags & number) != 0) {
        shown += (shown.empty() ? "" : "|") + name_in_c(name);
        flags &= ~number;
      }
  if (flags != 0) shown += text("{}{:#x}", shown.empty() ? "" : "|", static_cast<unsigned>(flags));
  return shown.empty() ? "0" : shown;
}

}  // namespace sockx
