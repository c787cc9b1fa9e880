#include "net/option/option_addresses.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/words.hpp"

namespace sockx::option_bytes {

namespace {

/// By its name or number; 0 is none in particular.
std::optional<unsigned> parse_interface(const std::string& word) {
  if (const auto number = parse_number<unsigned>(word)) return number;
  const auto index = if_nametoindex(word.c_str());
  return index == 0 ? std::nullopt : std::optional(index);
}

std::string interface_name(unsigned index) {
  char name[IF_NAMESIZE];
  return index != 0 && if_indextoname(index, name) != nullptr ? name : std::to_string(index);
}

template <class Form>
std::optional<Form> parse_address(int family, const std::string& word) {
  Form address{};
  return inet_pton(family, word.c_str(), &address) == 1 ? std::optional(address) : std::nullopt;
}

/// An IPv4 interface is given by its name, its number or one of its addresses.
std::optional<ip_mreqn> membership_of(const in_addr& group, const std::string& where) {
  ip_mreqn request{group, {}, 0};
  if (const auto address = parse_address<in_addr>(AF_INET, where))
    request.imr_address = *address;
  else if (const auto index = parse_interface(where))
    request.imr_ifindex = static_cast<int>(*index);
  else
    return {};
  return request;
}

/// The words of a list, those that may be left out being empty; nothing when there are too few or too many.
std::optional<std::vector<std::string>> words_of(const std::string& value, std::size_t least,
                                                 std::size_t most) {
  auto words = split_list(value);
  if (words.size() < least || words.size() > most) return {};
  words.resize(most);
  return words;
}

std::optional<sockaddr_storage> parse_any_address(const std::string& word) {
  sockaddr_storage storage{};
  if (const auto address = parse_address<in_addr>(AF_INET, word)) {
    storage.ss_family = AF_INET;
    reinterpret_cast<sockaddr_in&>(storage).sin_addr = *address;
  } else if (const auto address6 = parse_address<in6_addr>(AF_INET6, word)) {
    storage.ss_family = AF_INET6;
    reinterpret_cast<sockaddr_in6&>(storage).sin6_addr = *address6;
  } else {
    return {};
  }
  return storage;
}

}  // namespace

Bytes encode_interface(const std::string& value) {
  const auto index = parse_interface(value);
  return index ? Bytes(bytes_of(*index)) : std::nullopt;
}
OptionValue decode_interface(std::string_view bytes) {
  const auto index = read<unsigned>(bytes);
  return {interface_name(index), std::int64_t{index}};
}

Bytes encode_network_interface(const std::string& value) {
  const auto index = parse_interface(value);
  return index ? Bytes(bytes_of(htonl(*index))) : std::nullopt;
}
OptionValue decode_network_interface(std::string_view bytes) {
  const auto index = ntohl(read<std::uint32_t>(bytes));
  return {interface_name(index), std::int64_t{index}};
}

/// An address as getsockopt(2) tells it; else the number of an interface, as only setsockopt(2) takes it.
Bytes encode_multicast_interface(const std::string& value) {
  const auto request = membership_of({}, value);
  if (!request) return {};
  return request->imr_ifindex == 0 ? bytes_of(request->imr_address) : bytes_of(*request);
}
OptionValue decode_multicast_interface(std::string_view bytes) {
  if (bytes.size() == sizeof(ip_mreqn))
    return shown_text(interface_name(static_cast<unsigned>(read<ip_mreqn>(bytes).imr_ifindex)));
  const auto address = read<in_addr>(bytes);
  char shown[INET_ADDRSTRLEN] = "";
  return shown_text(inet_ntop(AF_INET, &address, shown, sizeof shown));
}

Bytes encode_membership(const std::string& value) {
  const auto words = words_of(value, 1, 2);
  if (!words) return {};
  const auto group = parse_address<in_addr>(AF_INET, words->front());
  const auto request =
      group ? membership_of(*group, words->back().empty() ? "0" : words->back()) : std::nullopt;
  return request ? Bytes(bytes_of(*request)) : std::nullopt;
}

Bytes encode_membership6(const std::string& value) {
  const auto words = words_of(value, 1, 2);
  if (!words) return {};
  const auto group = parse_address<in6_addr>(AF_INET6, words->front());
  const auto index = words->back().empty() ? 0 : parse_interface(words->back());
  return group && index ? Bytes(bytes_of(ipv6_mreq{*group, *index})) : std::nullopt;
}

Bytes encode_source_membership(const std::string& value) {
  const auto words = words_of(value, 2, 3);
  if (!words) return {};
  const auto group = parse_address<in_addr>(AF_INET, (*words)[0]);
  const auto source = parse_address<in_addr>(AF_INET, (*words)[1]);
  const auto local = (*words)[2].empty() ? in_addr{} : parse_address<in_addr>(AF_INET, (*words)[2]);
  return group && source && local ? Bytes(bytes_of(ip_mreq_source{*group, *local, *source})) : std::nullopt;
}

Bytes encode_membership46(const std::string& value) {
  const auto words = words_of(value, 1, 2);
  if (!words) return {};
  const auto group = parse_any_address(words->front());
  const auto index = words->back().empty() ? 0 : parse_interface(words->back());
  if (!group || !index) return {};
  group_req request{};  // with zeros between its members
  request.gr_interface = *index;
  request.gr_group = *group;
  return bytes_of(request);
}

Bytes encode_source_membership46(const std::string& value) {
  const auto words = words_of(value, 2, 3);
  if (!words) return {};
  const auto group = parse_any_address((*words)[0]), source = parse_any_address((*words)[1]);
  const auto index = (*words)[2].empty() ? 0 : parse_interface((*words)[2]);
  if (!group || !source || !index || group->ss_family != source->ss_family) return {};
  group_source_req request{};
  request.gsr_interface = *index;
  request.gsr_group = *group;
  request.gsr_source = *source;
  return bytes_of(request);
}

}  // namespace sockx::option_bytes
