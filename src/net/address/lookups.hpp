// The look-ups of <netdb.h>, each as one function that returns what the call does. They block.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "flow/clock.hpp"
#include "net/address/address.hpp"

namespace sockx {

/// A name or an address that is not known, or a look-up that failed: "getaddrinfo nosuch.invalid: EAI_NONAME:
/// Name or service not known".
class ResolveError : public std::runtime_error {
 public:
  /// `asked` is the call with what it was asked; `name` is that of the error, empty where the call has none.
  ResolveError(const std::string& asked, std::string name, const std::string& explanation);
  /// The same, with a hint behind its message.
  ResolveError(const ResolveError& other, const std::string& hint)
      : std::runtime_error(other.what() + hint), name_(other.name_) {}
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

/// Lets AI_IDN, AI_CANONIDN and NI_IDN read and write the letters of the user's locale (LC_CTYPE), as glibc
/// asks for; without it they know ASCII alone. Call it before there are threads, and only where a flag asks:
/// it reads files.
void use_letters_of_locale();

/// What getaddrinfo(3) and getnameinfo(3) say of themselves.
struct EaiStatus {
  int code = 0;          // 0 or an EAI_ number
  int system_error = 0;  // the errno that goes with EAI_SYSTEM

  explicit operator bool() const { return code == 0; }
  std::string name() const;         // "EAI_NONAME"
  std::string explanation() const;  // "Name or service not known"
  /// Throws ResolveError unless all is well.
  void check(const std::string& asked) const;
};

/// The arguments of getaddrinfo(3).
struct AddressQuery {
  std::optional<std::string> host, service;  // without a value: a null pointer
  int family = AF_UNSPEC;
  int type = 0, protocol = 0;  // 0 is any
  int flags = 0;

  std::string words() const;      // host and service, for messages
  std::string to_string() const;  // everything, for --trace
};

/// A struct addrinfo.
struct AddressTuple {
  int family = 0, type = 0, protocol = 0;
  std::string canonical_name;  // of the first only, and only with AI_CANONNAME
  Address address;
};

struct AddressAnswer {
  EaiStatus status;
  std::vector<AddressTuple> tuples;  // in the order in which they came

  std::string summary() const;  // for --trace
};
AddressAnswer get_address_info(const AddressQuery& query);  // getaddrinfo(3)

struct NameAnswer {
  EaiStatus status;
  std::string host, service;
};
/// getnameinfo(3). Of `flags` NI_NUMERICSCOPE (net/names.hpp) is done here.
NameAnswer get_name_info(const Address& address, int flags);

/// A struct hostent: what Python calls the triple of gethostbyname_ex() and gethostbyaddr().
struct HostEntry {
  std::string name;
  std::vector<std::string> aliases, addresses;
};
struct HostAnswer {
  int error = 0;  // 0 or an h_errno
  HostEntry entry;
};
HostAnswer get_host_by_name(const std::string& name);    // gethostbyname(3): IPv4 only
HostAnswer get_host_by_address(const Address& address);  // gethostbyaddr(3)

/// A line of services(5).
struct ServiceEntry {
  std::string name;
  std::vector<std::string> aliases;
  std::uint16_t port = 0;
  std::string protocol;
};
/// Of any protocol where `protocol` is empty. Nothing when there is none.
std::optional<ServiceEntry> get_service_by_name(const std::string& name, const std::string& protocol);
std::optional<ServiceEntry> get_service_by_port(std::uint16_t port, const std::string& protocol);

/// A line of protocols(5).
struct ProtocolEntry {
  std::string name;
  std::vector<std::string> aliases;
  int number = 0;
};
std::optional<ProtocolEntry> get_protocol_by_name(const std::string& name);
std::optional<ProtocolEntry> get_protocol_by_number(int number);

/// A protocol by its IPPROTO_ name, its name in protocols(5) or its number. Throws BadInput.
int parse_protocol(const std::string& word);

/// In the look-ups of this thread, name servers that do not answer are waited for no longer than `span`,
/// rounded up to seconds. It lowers timeout and attempts of resolv.conf(5), in so far as what they leave
/// could not bring an answer in time.
void limit_patience_with_name_servers(Duration span);

/// gethostname(2).
std::string get_host_name();

}  // namespace sockx
