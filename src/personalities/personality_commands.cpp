#include "personalities/personality_commands.hpp"

#include <memory>
#include <string>

#include "base/error.hpp"
#include "cli/flags.hpp"

namespace sockx {

namespace {

/// The letters are read by getopt(3): here they are only shown.
class Letters {
 public:
  explicit Letters(Flags& flags) : flags_(flags) {}
  void add(const std::string& letter, const std::string& help) {
    flags_.add_flag(
        letter, [] {}, help);
  }
  void add(const std::string& letter, const std::string& value, const std::string& help,
           ValueKind kind = ValueKind::number) {
    flags_.add_value(
        letter, value, [](const std::string&) {}, help, kind);
  }

 private:
  Flags& flags_;
};

Run declare_nc(Flags& flags) {
  flags.add_word_list("[HOST] [PORT...]", {ValueKind::endpoint}, false);
  const auto proxy_kind = std::make_shared<int>();
  Letters letters(flags);
  letters.add("-4", "use IPv4 only");
  letters.add("-6", "use IPv6 only");
  letters.add("-b", "with -u: send to broadcast addresses");
  letters.add("-C", "send CRLF at the end of each line");
  letters.add("-D", "set SO_DEBUG");
  letters.add("-d", "read no standard input");
  letters.add("-F", "pass the connection on through standard output");
  letters.add("-I", "SIZE", "set the size of the receive buffer");
  letters.add("-i", "SECONDS", "pause after each line that is sent");
  letters.add("-k", "with -l: serve one client after another");
  letters.add("-l", "listen");
  letters.add("-M", "TTL", "set the TTL, or hop limit, of what is sent");
  letters.add("-m", "TTL", "drop what arrives with a lower TTL, or hop limit");
  letters.add("-N", "shut down our half of the connection when standard input ends");
  letters.add("-n", "do not look up names");
  letters.add("-O", "SIZE", "set the size of the send buffer");
  letters.add("-P", "USER", "log in to an HTTP proxy as USER", ValueKind::user);
  letters.add("-p", "PORT", "use this local port; with -l, listen on it", ValueKind::service);
  letters.add("-q", "SECONDS", "shut down our half when standard input ends, as -N does");
  letters.add("-r", "try the ports in random order");
  letters.add("-s", "ADDR", "use this local address; with -l, listen on it", ValueKind::host);
  letters.add("-T", "TOS", "set the TOS, or traffic class", ValueKind::text);
  letters.add("-U", "use unix sockets: HOST is a path");
  letters.add("-u", "use datagrams");
  letters.add("-W", "N", "quit when N packets have been received");
  letters.add("-w", "SECONDS", "limit connecting, and silence, to SECONDS");
  flags.add_choice("-X", *proxy_kind, {{"4", 4}, {"5", 5}, {"connect", 0}}, "the kind of proxy (default: 5)");
  letters.add("-x", "HOST[:PORT]", "connect by this proxy", ValueKind::endpoint);
  letters.add("-z", "only see whether ports are open");
  flags.set_examples({{"sockx nc -zv example.com 20-30", "which of these ports are open"},
                      {"sockx nc -l -p 5678 > received", "receive a file"},
                      {"ln -s sockx nc; ./nc -N example.com 5678 < file", "a program called nc is nc"}});
  flags.when_read([] { throw BadInput("nc: it is the first word: `sockx nc ...`, and its letters follow"); });
  return [proxy_kind](Context&) { return ExitCode::usage; };
}

Run declare_explain(Flags& flags) {
  flags.add_word_list("nc ARG...", {ValueKind::text}, false);
  flags.set_examples({{"sockx explain nc -zv example.com 20-30", "the same as a command of sockx"}});
  flags.when_read([] {
    throw BadInput("explain: say the command line of nc to be explained: `sockx explain nc -l 5678`");
  });
  return [](Context&) { return ExitCode::usage; };
}

}  // namespace

const std::array<Command, 2> personality_commands{
    Command{"nc", "do what OpenBSD's nc does, with its options and messages", declare_nc},
    Command{"explain", "print the sockx command that is equivalent to an nc command", declare_explain},
};

}  // namespace sockx
