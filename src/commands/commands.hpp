// The table of subcommands: what `sockx --help` lists and what the first word chooses from.
#pragma once

#include <array>

#include "cli/command.hpp"

namespace sockx {

Run declare_byteorder(Flags& flags);
Run declare_connect(Flags& flags);
Run declare_getaddrinfo(Flags& flags);
Run declare_listen(Flags& flags);
Run declare_recv_file(Flags& flags);
Run declare_resolve(Flags& flags);
Run declare_send_file(Flags& flags);
Run declare_sockopt(Flags& flags);

inline constexpr std::array commands{
    Command{"listen", "accept one connection and join it to standard input and output, or serve many",
            declare_listen},
    Command{"connect", "open a connection and join it to standard input and output", declare_connect},
    Command{"send-file", "send a file over a connection with sendfile(2), or compare ways to do it",
            declare_send_file},
    Command{"recv-file", "receive files from connections, or count their bytes", declare_recv_file},
    Command{"resolve", "look up names, addresses, services and protocols", declare_resolve},
    Command{"getaddrinfo", "call getaddrinfo(3) with any hints and show all that it returns",
            declare_getaddrinfo},
    Command{"byteorder", "show byte order, exchange bytes, pack and unpack addresses", declare_byteorder},
    Command{"sockopt", "list, get and set socket options, also of a running process's sockets",
            declare_sockopt},
};

}  // namespace sockx
