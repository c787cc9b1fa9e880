// SocketFile: the file of a bound unix socket.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/non_copyable.hpp"
#include "flow/event_loop.hpp"
#include "flow/task.hpp"
#include "net/address/address.hpp"
#include "net/socket.hpp"
#include "os/unique_fd.hpp"

namespace sockx {

/// Owner and mode of the file of a unix socket.
struct SocketFileRights {
  std::optional<mode_t> mode;  // the permission bits, whatever the umask
  std::optional<uid_t> user;
  std::optional<gid_t> group;

  /// Octal digits from 0 to 777. Throws BadInput.
  static mode_t parse_mode(const std::string& word);
  /// USER or USER:GROUP, by names or numbers. Throws BadInput.
  void parse_owner(const std::string& word);
};

/// Sets the umask so that bind(2) creates the file with the mode: at no moment can others connect. Without a
/// mode it does nothing. The destructor restores the umask. There may be one at a time, and other threads
/// must create no files meanwhile.
class UmaskFor : NonCopyable {
 public:
  explicit UmaskFor(std::optional<mode_t> mode);
  ~UmaskFor();

 private:
  std::optional<mode_t> old_;
};

/// The file of a unix socket that was bound here; removed at the end, if it is still the same file.
class SocketFile : NonCopyable {
 public:
  explicit SocketFile(std::string path);
  ~SocketFile();
  /// lchown(2). Before listen(2), while nobody can connect. Throws Error.
  void give_to(const SocketFileRights& rights) const;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

/// The right to replace the file NAME of a unix socket, held until this goes: a lock (flock(2)) on the file
/// `.sockx-NAME.lock` beside it, which is removed at the end. Only who may write in the folder can make that
/// file, and one that another user has made counts for nothing. Nothing is locked for other addresses, and
/// where the file cannot be made.
class NameLock {
 public:
  explicit NameLock(const Address& address);
  NameLock(NameLock&&) = default;
  NameLock& operator=(NameLock&&) = delete;
  ~NameLock();
  /// False while another program of the same user holds it.
  bool try_lock();

 private:
  std::string path_;
  UniqueFd held_;
};

/// Waits for the lock until `deadline`, and not longer than 1 s: its holder only binds a socket. After that
/// the bind is done without it.
Task<NameLock> lock_name(Address address, Deadline deadline);

/// bind(2). The file of a unix socket that nobody is bound to any more is replaced, a live one is not. Of
/// many programs that do so at once, one succeeds if they do it while they hold lock_name(). To
/// find out whether it is alive, it is connected to as a datagram socket, which sends nothing: a live socket
/// of another type answers EPROTOTYPE and notices nothing. Returns the file of a unix socket, which has the
/// mode; null for other addresses. Throws Error.
std::unique_ptr<SocketFile> bind_with_file(Socket& socket, const Address& address,
                                           std::optional<mode_t> mode = {});

}  // namespace sockx
