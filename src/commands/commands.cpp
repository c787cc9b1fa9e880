#include "commands/commands.hpp"

#include <memory>

#include "cli/flags.hpp"
#include "commands/conversation/connect.hpp"
#include "commands/conversation/listen.hpp"
#include "commands/conversation/relay.hpp"
#include "commands/datagram/raw.hpp"
#include "commands/datagram/udp.hpp"
#include "commands/inspect/byteorder.hpp"
#include "commands/inspect/getaddrinfo.hpp"
#include "commands/inspect/resolve.hpp"
#include "commands/inspect/sockopt.hpp"
#include "commands/transfer/recv_file.hpp"
#include "commands/transfer/send_file.hpp"

namespace sockx {

namespace {

/// Declares the options of a command; what is returned runs it with them.
template <class Options>
Run prepare(Flags& flags) {
  const auto options = std::make_shared<Options>();
  declare(flags, *options);
  return [options](Context& context) { return run(context, *options); };
}

}  // namespace

const std::array<Command, 11> commands{
    Command{"listen", "accept one connection and join it to standard input and output, or serve many",
            prepare<ListenOptions>},
    Command{"connect", "open a connection and join it to standard input and output", prepare<ConnectOptions>},
    Command{"relay", "join any two ends: connections, programs, files, the standard streams",
            prepare<RelayOptions>},
    Command{"send-file", "send a file over a connection with sendfile(2), or compare ways to do it",
            prepare<SendFileOptions>},
    Command{"recv-file", "receive files from connections, or count their bytes", prepare<RecvFileOptions>},
    Command{"udp", "send and receive datagrams, from one peer or many", prepare<UdpOptions>},
    Command{"raw", "send and receive IP packets of any protocol", prepare<RawOptions>},
    Command{"resolve", "look up names, addresses, services and protocols", prepare<ResolveOptions>},
    Command{"getaddrinfo", "call getaddrinfo(3) with any hints and show all that it returns",
            prepare<GetaddrinfoOptions>},
    Command{"byteorder", "show byte order, exchange bytes, pack and unpack addresses",
            prepare<ByteorderOptions>},
    Command{"sockopt", "list, get and set socket options, also of a running process's sockets",
            prepare<SockoptOptions>},
};

}  // namespace sockx
