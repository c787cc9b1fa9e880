#include "net/socket_file.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "net/socket.hpp"
#include "os/digits.hpp"
#include "os/error.hpp"
#include "os/observer.hpp"
#include "os/text.hpp"
#include "os/users.hpp"

namespace sockx {

namespace {
constexpr mode_t every_right = 0777;
}

mode_t SocketFileRights::parse_mode(const std::string& word) {
  const auto mode = is_all_digits(word) ? number_in<mode_t>(word, 8) : std::nullopt;
  if (!mode || *mode > every_right)
    throw BadInput(text("'{}': a mode is octal digits from 0 to 777, like 660", word));
  return *mode;
}

void SocketFileRights::parse_owner(const std::string& word) {
  const auto colon = word.find(':');
  if (word.empty() || colon == 0 || colon == word.size() - 1)
    throw BadInput(text("'{}': an owner is USER or USER:GROUP, like www-data:www-data or 33:33", word));
  user = parse_user(word.substr(0, colon));
  if (colon != std::string::npos) group = parse_group(word.substr(colon + 1));
}

UmaskFor::UmaskFor(std::optional<mode_t> mode) {
  if (mode) old_ = umask(every_right & ~*mode);
}

UmaskFor::~UmaskFor() {
  if (old_) umask(*old_);
}

SocketFile::SocketFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  if (lstat(path_.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::~SocketFile() {
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
    unlink(path_.c_str());
}

void SocketFile::give_to(const SocketFileRights& rights) const {
  constexpr auto same = static_cast<gid_t>(-1);
  if (!rights.user) return;
  const int result = lchown(path_.c_str(), *rights.user, rights.group.value_or(same));
  observe_call("lchown", result, "{}, {}, {}", path_, *rights.user, rights.group.value_or(same));
  if (result != 0) throw_errno(text("chown unix:{}", path_), Origin::local_address);
}

void remove_stale_socket(const Address& address) {
  struct stat status {};
  const auto path = address.path();
  if (path.empty() || lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  auto probe = Socket::open(AF_UNIX, SOCK_DGRAM, 0);
  if (probe.connect(address) == ECONNREFUSED) unlink(path.c_str());
}

}  // namespace sockx
