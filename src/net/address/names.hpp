// The names of the constants of socket(2), getaddrinfo(3) and getnameinfo(3).
#pragma once

#include "base/named_numbers.hpp"

namespace sockx {

extern const NameTable address_families;  // AF_
extern const NameTable socket_types;      // SOCK_
extern const NameTable ip_protocols;      // IPPROTO_
extern const NameTable ai_flags;          // AI_, bits: hints of getaddrinfo(3)
extern const NameTable ni_flags;          // NI_, bits: flags of getnameinfo(3), and NI_NUMERICSCOPE
extern const NameTable eai_errors;        // EAI_: what both return
extern const NameTable host_errors;       // HOST_NOT_FOUND and so on: h_errno of gethostbyname(3)

/// RFC 3493's flag for a scope id as a number, which glibc lacks. get_name_info() does it.
constexpr int NI_NUMERICSCOPE = 0x10000;

/// "IPPROTO_TCP"; "0" for the family's own choice, which is IPPROTO_IP by number only.
std::string protocol_name(int protocol);

}  // namespace sockx
