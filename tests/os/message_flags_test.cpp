#include "os/message_flags.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace sockx;

namespace {

std::vector<std::string> names_of(std::span<const MessageFlag> flags) {
  std::vector<std::string> names;
  for (const auto& flag : flags) names.emplace_back(flag.name);
  return names;
}

}  // namespace

TEST_CASE("message flags: what may be chosen has the names of the command line") {
  using Names = std::vector<std::string>;
  CHECK(names_of(send_flags()) == Names{"oob", "more", "dontroute"});
  CHECK(names_of(recv_flags()) ==
        Names{"peek", "waitall", "trunc", "oob", "dontwait", "errqueue", "cmsg-cloexec"});
}

TEST_CASE("message flags: each is shown by its name in C") {
  CHECK(message_flags(0) == "0");
  CHECK(message_flags(MSG_PEEK) == "MSG_PEEK");
  CHECK(message_flags(MSG_CMSG_CLOEXEC) == "MSG_CMSG_CLOEXEC");
  CHECK(message_flags(MSG_NOSIGNAL) == "MSG_NOSIGNAL");
  CHECK(message_flags(MSG_EOR | MSG_CTRUNC) == "MSG_EOR|MSG_CTRUNC");
  for (const auto& some : {send_flags(), recv_flags()})
    for (const auto& [name, number] : some) {
      std::string expected = "MSG_" + std::string(name);
      std::transform(expected.begin(), expected.end(), expected.begin(),
                     [](char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
      CHECK(message_flags(number) == expected);
    }
}

TEST_CASE("message flags: several stand beside each other, each once, and the unknown as a number") {
  CHECK(message_flags(MSG_TRUNC | MSG_PEEK) == "MSG_PEEK|MSG_TRUNC");
  CHECK(message_flags(MSG_OOB) == "MSG_OOB");  // both chosen for sending and for receiving
  CHECK(message_flags(0x100000) == "0x100000");
  CHECK(message_flags(MSG_PEEK | 0x100000) == "MSG_PEEK|0x100000");
}
