#include "net/resolve.hpp"

#include <netdb.h>

#include "flow/on_thread.hpp"
#include "os/error.hpp"
#include "os/observer.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

std::string eai_name(int code) {
  switch (code) {
    case EAI_BADFLAGS:
      return "EAI_BADFLAGS";
    case EAI_NONAME:
      return "EAI_NONAME";
    case EAI_AGAIN:
      return "EAI_AGAIN";
    case EAI_FAIL:
      return "EAI_FAIL";
    case EAI_FAMILY:
      return "EAI_FAMILY";
    case EAI_SOCKTYPE:
      return "EAI_SOCKTYPE";
    case EAI_SERVICE:
      return "EAI_SERVICE";
    case EAI_MEMORY:
      return "EAI_MEMORY";
    case EAI_SYSTEM:
      return "EAI_SYSTEM";
    case EAI_OVERFLOW:
      return "EAI_OVERFLOW";
    case EAI_NODATA:
      return "EAI_NODATA";
    case EAI_ADDRFAMILY:
      return "EAI_ADDRFAMILY";
    default:
      return text("EAI {}", code);
  }
}

struct Answer {
  int code = 0;  // of getaddrinfo(3): 0 or an EAI_ number
  std::vector<Address> addresses;
};

Answer ask(const HostPort& where, int family, int flags) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  Answer answer;
  answer.code = getaddrinfo(where.host.c_str(), std::to_string(where.port).c_str(), &hints, &list);
  if (answer.code != 0) return answer;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    answer.addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
  freeaddrinfo(list);
  return answer;
}

Task<Answer> ask_on_a_thread(HostPort where, int family, Deadline deadline) {
  std::function<Answer()> work = [where, family] { return ask(where, family, 0); };
  auto answer = co_await on_thread<Answer>(std::move(work), deadline);
  if (!answer) throw TimedOut(text("getaddrinfo {}: no answer in time", where.host));
  co_return std::move(*answer);
}

std::vector<Address> every_address(int family, std::uint16_t port) {
  std::vector<Address> addresses;
  if (family != AF_INET) addresses.push_back(Address::any(AF_INET6, port));
  if (family != AF_INET6) addresses.push_back(Address::any(AF_INET, port));
  return addresses;
}

}  // namespace

ResolveError::ResolveError(int code, const std::string& host)
    : std::runtime_error(text("getaddrinfo {}: {}: {}", host, eai_name(code), gai_strerror(code))),
      code_(code) {}

Task<std::vector<Address>> resolve(HostPort where, ResolveOptions options, Deadline deadline) {
  if (where.host.empty()) co_return every_address(options.family, where.port);
  auto answer = ask(where, options.family, AI_NUMERICHOST);
  const bool is_name = answer.code == EAI_NONAME;
  if (is_name && !options.numeric) {
    answer = co_await ask_on_a_thread(where, options.family, deadline);
  }
  if (calls_are_observed())
    tell_observer("getaddrinfo",
                  text("{}, {}, {}, SOCK_STREAM", where.host, where.port, family_name(options.family)),
                  answer.code == 0 ? text("0 ({} addresses)", answer.addresses.size())
                                   : text("{} ({})", eai_name(answer.code), gai_strerror(answer.code)));
  if (answer.code != 0) throw ResolveError(answer.code, where.host);
  co_return std::move(answer.addresses);
}

}  // namespace sockx
