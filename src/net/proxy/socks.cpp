#include "net/proxy/socks.hpp"

namespace sockx::socks {

std::string_view name_of_reply(std::uint8_t reply) {
  switch (reply) {
    case succeeded:
      return "succeeded";
    case general_failure:
      return "general SOCKS server failure";
    case not_allowed:
      return "connection not allowed by ruleset";
    case network_unreachable:
      return "network unreachable";
    case host_unreachable:
      return "host unreachable";
    case connection_refused:
      return "connection refused";
    case ttl_expired:
      return "TTL expired";
    case command_not_supported:
      return "command not supported";
    case address_type_not_supported:
      return "address type not supported";
    default:
      return "unassigned";
  }
}

std::string_view name_of_reply4(std::uint8_t reply) {
  switch (reply) {
    case granted:
      return "request granted";
    case rejected:
      return "request rejected or failed";
    case no_identd:
      return "request rejected because the SOCKS server cannot connect to identd on the client";
    case other_user:
      return "request rejected because the client program and identd report different user-ids";
    default:
      return "unassigned";
  }
}

}  // namespace sockx::socks
