#include "os/users.hpp"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"

namespace sockx {

namespace {

/// A getXXnam_r(3) with as large a buffer as it asks for.
template <class Entry, class Id>
std::optional<Id> id_of(const std::string& name,
                        int (*find)(const char*, Entry*, char*, std::size_t, Entry**), Id Entry::*id) {
  std::vector<char> buffer(1024);
  Entry entry{};
  Entry* found = nullptr;
  while (find(name.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE)
    buffer.resize(buffer.size() * 2);
  if (found == nullptr) return {};
  return entry.*id;
}

/// The last number means "nobody in particular" to chown(2) and fchown(2).
template <class Id>
std::optional<Id> number_of(const std::string& word) {
  const auto number = is_all_digits(word) ? number_in<Id>(word) : std::nullopt;
  return number == static_cast<Id>(-1) ? std::nullopt : number;
}

}  // namespace

uid_t parse_user(const std::string& word) {
  if (const auto number = number_of<uid_t>(word)) return *number;
  if (const auto id = id_of(word, getpwnam_r, &passwd::pw_uid)) return *id;
  throw BadInput(text("'{}': no such user; say a name of passwd(5), or a number", word));
}

gid_t parse_group(const std::string& word) {
  if (const auto number = number_of<gid_t>(word)) return *number;
  if (const auto id = id_of(word, getgrnam_r, &group::gr_gid)) return *id;
  throw BadInput(text("'{}': no such group; say a name of group(5), or a number", word));
}

}  // namespace sockx
