#include "net/stream/port_state.hpp"

#include <cerrno>

namespace sockx {

PortState port_state(int error) {
  switch (error) {
    case 0:
      return PortState::open;
    case ECONNREFUSED:
    case ENOENT:
      return PortState::refused;
    case ETIMEDOUT:
      return PortState::timed_out;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
      return PortState::unreachable;
    default:
      return PortState::failed;
  }
}

std::string_view name_of(PortState state) {
  switch (state) {
    case PortState::open:
      return "open";
    case PortState::refused:
      return "refused";
    case PortState::timed_out:
      return "timed-out";
    case PortState::unreachable:
      return "unreachable";
    case PortState::proxy_refused:
      return "proxy-refused";
    case PortState::failed:
      return "failed";
  }
  return "";
}

}  // namespace sockx
