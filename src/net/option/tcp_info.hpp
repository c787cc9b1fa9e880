// struct tcp_info of tcp(7), member by member.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/option/option_value.hpp"

namespace sockx {

constexpr std::size_t tcp_info_size = 1024;  // kernels append to it

/// As many members as the kernel has returned.
std::vector<OptionMember> decode_tcp_info(std::string_view bytes);

/// "ESTABLISHED", from the first byte of a tcp_info.
std::string tcp_state_of(std::string_view bytes);

/// The bytes that the peer has acknowledged (tcpi_bytes_acked); nothing where the kernel does not tell.
std::optional<std::uint64_t> acknowledged_bytes(std::string_view bytes);

}  // namespace sockx
