#include "net/stream/socket_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "os/observer.hpp"
#include "os/unique_fd.hpp"
#include "os/users.hpp"

namespace sockx {

namespace {

constexpr mode_t every_right = 0777;

bool is_stale_socket(const Address& address) {
  struct stat status {};
  if (lstat(address.path().c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  auto probe = Socket::open(AF_UNIX, SOCK_DGRAM, 0);
  return probe.connect(address) == ECONNREFUSED;
}

/// Empty for a socket, and where there is nothing.
std::string_view kind_of_other_file(const std::string& path) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return "";
  switch (status.st_mode & S_IFMT) {
    case S_IFSOCK:
      return "";
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    default:
      return "a device";
  }
}

}  // namespace

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

NameLock::NameLock(const Address& address) {
  const std::filesystem::path path(address.path());
  if (path.has_filename()) path_ = path.parent_path() / text(".sockx-{}.lock", path.filename().string());
}

bool NameLock::try_lock() {
  constexpr mode_t mode_of_lock = 0600;
  if (path_.empty()) return true;
  UniqueFd file(
      open(path_.c_str(), O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode_of_lock));
  struct stat ours {
  }, named{};
  if (!file) return true;
  const bool is_held = flock(file.get(), LOCK_EX | LOCK_NB) == 0;
  if (fstat(file.get(), &ours) != 0) {
    const int number = errno;
    if (is_held) held_ = std::move(file);  // and so removed
    throw Error(number, text("fstat {}", path_), Origin::local_file);
  }
  if (ours.st_uid != geteuid()) return true;
  if (!is_held) return false;
  // Who held it before may have removed it since it was opened.
  if (lstat(path_.c_str(), &named) != 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
    return false;
  held_ = std::move(file);
  return true;
}

NameLock::~NameLock() {
  if (held_) unlink(path_.c_str());
}

Task<NameLock> lock_name(Address address, Deadline deadline) {
  auto& loop = co_await this_loop();
  NameLock lock(address);
  const auto until = std::min<Deadline>(deadline, after(std::chrono::seconds(1)));
  while (!lock.try_lock() && Clock::now() < until) {
    co_await loop.sleep_until(after(std::chrono::milliseconds(1)));
  }
  co_return lock;
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

std::unique_ptr<SocketFile> bind_with_file(Socket& socket, const Address& address,
                                           std::optional<mode_t> mode) {
  const auto path = address.path();
  if (path.empty()) {
    socket.bind(address);
    return nullptr;
  }
  if (is_stale_socket(address)) unlink(path.c_str());
  try {
    const UmaskFor umask(mode);
    socket.bind(address);
  } catch (const Error& error) {
    const auto kind = error.number() == EADDRINUSE ? kind_of_other_file(path) : "";
    if (kind.empty()) throw;
    throw Error(EEXIST, text("bind unix:{}: {} is {}, not a socket", path, path, kind),
                Origin::local_address);
  }
  return std::make_unique<SocketFile>(path);
}

}  // namespace sockx
