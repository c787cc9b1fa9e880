#include "net/address/lookups.hpp"

#include <arpa/inet.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "net/address/names.hpp"

namespace sockx {

namespace {

const char* pointer(const std::optional<std::string>& word) { return word ? word->c_str() : nullptr; }

/// Also an empty word can be seen.
std::string shown(const std::optional<std::string>& word) {
  if (!word) return "NULL";
  return word->empty() ? "''" : *word;
}

EaiStatus eai_status(int code) { return {code, code == EAI_SYSTEM ? errno : 0}; }

std::vector<std::string> words_of(char* const* list) {
  std::vector<std::string> words;
  for (; *list != nullptr; ++list) words.emplace_back(*list);
  return words;
}

/// Calls one of the functions of netdb.h whose name ends in _r with a buffer that grows until it is large
/// enough.
template <class Call>
void with_buffer(std::vector<char>& buffer, Call call) {
  buffer.resize(1024);
  while (call(buffer.data(), buffer.size()) == ERANGE) buffer.resize(buffer.size() * 2);
}

/// `call` is one of gethostby*_r without the arguments that are the same for all.
template <class Call>
HostAnswer host_answer(Call call) {
  hostent entry{};
  hostent* found = nullptr;
  int error = 0;
  std::vector<char> buffer;
  with_buffer(buffer,
              [&](char* place, std::size_t size) { return call(&entry, place, size, &found, &error); });
  if (found == nullptr) return {error == 0 ? NO_RECOVERY : error, {}};
  HostEntry host{found->h_name, words_of(found->h_aliases), {}};
  for (char** address = found->h_addr_list; *address != nullptr; ++address) {
    char shown[INET6_ADDRSTRLEN];
    host.addresses.emplace_back(inet_ntop(found->h_addrtype, *address, shown, sizeof shown));
  }
  return {0, std::move(host)};
}

template <class Call>
std::optional<ServiceEntry> service(Call call) {
  servent entry{};
  servent* found = nullptr;
  std::vector<char> buffer;
  with_buffer(buffer, [&](char* place, std::size_t size) { return call(&entry, place, size, &found); });
  if (found == nullptr) return {};
  return ServiceEntry{found->s_name, words_of(found->s_aliases),
                      ntohs(static_cast<std::uint16_t>(found->s_port)), found->s_proto};
}

template <class Call>
std::optional<ProtocolEntry> protocol(Call call) {
  protoent entry{};
  protoent* found = nullptr;
  std::vector<char> buffer;
  with_buffer(buffer, [&](char* place, std::size_t size) { return call(&entry, place, size, &found); });
  if (found == nullptr) return {};
  return ProtocolEntry{found->p_name, words_of(found->p_aliases), found->p_proto};
}

const char* any_if_empty(const std::string& protocol) {
  return protocol.empty() ? nullptr : protocol.c_str();
}

}  // namespace

ResolveError::ResolveError(const std::string& asked, std::string name, const std::string& explanation)
    : std::runtime_error(name.empty() ? text("{}: {}", asked, explanation)
                                      : text("{}: {}: {}", asked, name, explanation)),
      name_(std::move(name)) {}

void use_letters_of_locale() { std::setlocale(LC_CTYPE, ""); }

std::string EaiStatus::name() const { return eai_errors.name_of(code); }

std::string EaiStatus::explanation() const {
  return system_error != 0 ? std::strerror(system_error) : gai_strerror(code);
}

void EaiStatus::check(const std::string& asked) const {
  if (code != 0) throw ResolveError(asked, name(), explanation());
}

std::string AddressQuery::words() const { return shown(host) + (service ? ' ' + shown(service) : ""); }

std::string AddressQuery::to_string() const {
  return text("{}, {}, {{{}, {}, {}, {}}}", shown(host), shown(service), address_families.name_of(family),
              type == 0 ? "0" : socket_types.name_of(type), protocol_name(protocol),
              ai_flags.names_of(flags));
}

std::string AddressAnswer::summary() const {
  if (status) return text("0 ({})", counted(tuples.size(), "address"));
  return text("{} ({})", status.name(), status.explanation());
}

AddressAnswer get_address_info(const AddressQuery& query) {
  addrinfo hints{};
  hints.ai_family = query.family;
  hints.ai_socktype = query.type;
  hints.ai_protocol = query.protocol;
  hints.ai_flags = query.flags;
  addrinfo* list = nullptr;
  AddressAnswer answer;
  answer.status = eai_status(getaddrinfo(pointer(query.host), pointer(query.service), &hints, &list));
  if (!answer.status) return answer;
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(list, freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    answer.tuples.push_back({entry->ai_family, entry->ai_socktype, entry->ai_protocol,
                             entry->ai_canonname ? entry->ai_canonname : "",
                             Address(entry->ai_addr, entry->ai_addrlen)});
  return answer;
}

NameAnswer get_name_info(const Address& address, int flags) {
  char host[NI_MAXHOST] = "", service[NI_MAXSERV] = "";
  NameAnswer answer;
  answer.status = eai_status(getnameinfo(address.data(), address.size(), host, sizeof host, service,
                                         sizeof service, flags & ~NI_NUMERICSCOPE));
  answer.host = host;
  answer.service = service;
  const auto percent = answer.host.find('%');
  if ((flags & NI_NUMERICSCOPE) != 0 && percent != std::string::npos && address.scope_id() != 0)
    answer.host.replace(percent + 1, std::string::npos, std::to_string(address.scope_id()));
  return answer;
}

HostAnswer get_host_by_name(const std::string& name) {
  return host_answer([&](hostent* entry, char* place, std::size_t size, hostent** found, int* error) {
    return gethostbyname_r(name.c_str(), entry, place, size, found, error);
  });
}

HostAnswer get_host_by_address(const Address& address) {
  const bool is_v6 = address.family() == AF_INET6;
  const void* const bytes =
      is_v6 ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr)
            : &reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr;
  const socklen_t length = is_v6 ? sizeof(in6_addr) : sizeof(in_addr);
  return host_answer([&](hostent* entry, char* place, std::size_t size, hostent** found, int* error) {
    return gethostbyaddr_r(bytes, length, address.family(), entry, place, size, found, error);
  });
}

std::optional<ServiceEntry> get_service_by_name(const std::string& name, const std::string& protocol) {
  return service([&](servent* entry, char* place, std::size_t size, servent** found) {
    return getservbyname_r(name.c_str(), any_if_empty(protocol), entry, place, size, found);
  });
}

std::optional<ServiceEntry> get_service_by_port(std::uint16_t port, const std::string& protocol) {
  return service([&](servent* entry, char* place, std::size_t size, servent** found) {
    return getservbyport_r(htons(port), any_if_empty(protocol), entry, place, size, found);
  });
}

std::optional<ProtocolEntry> get_protocol_by_name(const std::string& name) {
  return protocol([&](protoent* entry, char* place, std::size_t size, protoent** found) {
    return getprotobyname_r(name.c_str(), entry, place, size, found);
  });
}

std::optional<ProtocolEntry> get_protocol_by_number(int number) {
  return protocol([&](protoent* entry, char* place, std::size_t size, protoent** found) {
    return getprotobynumber_r(number, entry, place, size, found);
  });
}

int parse_protocol(const std::string& word) {
  if (const auto known = get_protocol_by_name(word)) return known->number;
  return ip_protocols.parse(word);
}

void limit_patience_with_name_servers(Duration span) {
  if (res_init() != 0) return;
  const std::int64_t limit = std::chrono::ceil<std::chrono::seconds>(span).count();
  const auto timeout = std::clamp<std::int64_t>(limit, 1, std::max(1, _res.retrans));
  const auto attempts = std::clamp<std::int64_t>((limit + timeout - 1) / timeout, 1, std::max(1, _res.retry));
  _res.retrans = static_cast<int>(timeout);
  _res.retry = static_cast<int>(attempts);
  _res.options |= RES_NORELOAD;  // which would set them back
}

std::string get_host_name() {
  char name[HOST_NAME_MAX + 1] = "";
  if (gethostname(name, sizeof name) != 0) throw_errno("gethostname");
  return name;
}

}  // namespace sockx
