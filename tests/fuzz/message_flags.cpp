// Message flags: the names of a number mean that number again.
#include "os/message_flags.hpp"

#include <sys/socket.h>

#include <cstring>
#include <map>

#include "support.hpp"

namespace {

/// What a reader of sys/socket.h makes of "MSG_PEEK|MSG_TRUNC|0x100000".
unsigned meaning(std::string shown) {
  static const std::map<std::string, int> names{
      {"MSG_OOB", MSG_OOB},           {"MSG_MORE", MSG_MORE},         {"MSG_DONTROUTE", MSG_DONTROUTE},
      {"MSG_PEEK", MSG_PEEK},         {"MSG_WAITALL", MSG_WAITALL},   {"MSG_TRUNC", MSG_TRUNC},
      {"MSG_DONTWAIT", MSG_DONTWAIT}, {"MSG_ERRQUEUE", MSG_ERRQUEUE}, {"MSG_CMSG_CLOEXEC", MSG_CMSG_CLOEXEC},
      {"MSG_EOR", MSG_EOR},           {"MSG_CTRUNC", MSG_CTRUNC},     {"MSG_NOSIGNAL", MSG_NOSIGNAL},
  };
  unsigned flags = 0;
  shown += '|';
  for (std::size_t begin = 0; begin < shown.size(); begin = shown.find('|', begin) + 1) {
    const auto word = shown.substr(begin, shown.find('|', begin) - begin);
    const bool is_number = word.starts_with('0');
    const auto value = is_number ? static_cast<unsigned>(std::stoul(word, nullptr, 0))
                                 : static_cast<unsigned>(names.at(word));
    assert((flags & value) == 0);  // nothing is said twice
    flags |= value;
  }
  return flags;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  int flags = 0;
  std::memcpy(&flags, data, std::min(size, sizeof flags));
  assert(meaning(sockx::message_flags(flags)) == static_cast<unsigned>(flags));
  return 0;
}
