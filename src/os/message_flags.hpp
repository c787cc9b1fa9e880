// The MSG_ flags of send(2) and recv(2) by their names.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace sockx {

/// A flag; `name` is without MSG_ and in small letters, as the command line has it.
struct MessageFlag {
  std::string_view name;
  int number;
};

/// What a user may choose for send(2): oob, more, dontroute.
std::span<const MessageFlag> send_flags();
/// What a user may choose for recv(2): peek, waitall, trunc, oob, dontwait, errqueue, cmsg-cloexec.
std::span<const MessageFlag> recv_flags();

/// "MSG_PEEK|MSG_TRUNC", or "0"; what has no name here is shown in hexadecimal.
std::string message_flags(int flags);
/// The same for --trace: empty without an observer.
std::string shown_flags(int flags);

}  // namespace sockx
