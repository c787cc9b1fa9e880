// socket_query(): asking a socket about itself.
#pragma once

#include <optional>
#include <string_view>

namespace sockx {

/// Whether it is an open descriptor, and that of a socket.
bool is_socket(int fd);

/// getsockopt(2) of an integer at SOL_SOCKET; `name` is what --trace calls the option. Nothing, with errno
/// set, when the call fails.
std::optional<int> socket_query(int fd, int option, std::string_view name);

}  // namespace sockx
