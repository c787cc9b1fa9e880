#include "fault_table.hpp"

#include <signal.h>

namespace test {

/// EINTR stands where a call may be made while a signal arrives that does not end the program: SIGCONT for
/// one. What cannot fail on a valid descriptor is not here: lseek(2), fcntl(2) but for what it has to find
/// room for, getsockopt(2).
const std::vector<FaultRow>& fault_table() {
  static const std::vector<FaultRow> table{
      // What moves bytes, and a fault that is none: it is tried again, less is moved, or by another call.
      {"read@file", {"EINTR", "short", "half"}},
      {"read@pipe", {"EINTR", "EAGAIN", "short", "half"}},
      {"write@file", {"EINTR", "short", "half"}},
      {"write@pipe", {"EINTR", "EAGAIN", "short", "half"}},
      {"writev@file", {"EINTR", "short", "half"}},  // the program's own words
      {"writev@pipe", {"EINTR", "EAGAIN", "short", "half"}},
      {"recv@socket", {"EINTR", "EAGAIN", "short", "half"}},
      {"send@socket", {"EINTR", "EAGAIN", "short", "half"}},
      {"recvmsg@records", {"EINTR", "EAGAIN"}},
      {"send@records", {"EINTR", "EAGAIN"}},
      {"sendfile@file>socket", {"EINTR", "EAGAIN", "short", "half", "EINVAL", "ENOSYS"}},
      {"sendfile@file>pipe", {"EINTR", "EAGAIN", "short", "half", "EINVAL", "ENOSYS"}},
      {"splice@pipe>socket", {"EINTR", "EAGAIN", "short", "half", "EINVAL"}},
      {"splice@socket>pipe", {"EINTR", "EAGAIN", "short", "half", "EINVAL"}},
      {"splice@file>pipe", {"EINTR", "EAGAIN", "short", "half", "EINVAL"}},
      {"splice@pipe>file", {"EINTR", "EAGAIN", "short", "half", "EINVAL"}},
      {"splice@pipe>device", {"EINTR", "EAGAIN", "short", "half", "EINVAL"}},
      {"mmap@file", {"ENOMEM", "EAGAIN", "ENODEV", "EACCES"}},
      {"setsockopt@SO_ZEROCOPY", {"EOPNOTSUPP", "ENOPROTOOPT"}},
      {"recvmsg-errqueue@socket", {"EINTR"}},
      {"io_uring_setup", {"ENOSYS", "EPERM", "ENOMEM", "EMFILE"}},
      {"io_uring_enter", {"EINTR"}},
      {"pipe2", {"EMFILE", "ENFILE"}},
      {"fcntl@F_SETPIPE_SZ", {"EPERM", "EBUSY", "ENOMEM"}},

      // The same with a fault that is one.
      {"read@file", {"EIO"}, {11}},
      {"write@file", {"ENOSPC", "EDQUOT", "EIO", "EFBIG"}, {11}},
      {"write@pipe", {"EPIPE"}, {}, {}, SIGPIPE},
      {"recv@socket", {"ECONNRESET"}, {7}},
      {"recv@socket", {"ETIMEDOUT"}, {5}},
      {"recv@socket", {"EHOSTUNREACH"}, {6}},
      {"recv@socket", {"ENOMEM"}, {1}},
      {"send@socket", {"ECONNRESET", "EPIPE"}, {7}},
      {"send@socket", {"ETIMEDOUT"}, {5}},
      {"send@socket", {"ENOBUFS", "ENOMEM"}, {1}},
      {"recvmsg@records", {"ECONNRESET"}, {7}},
      {"recvmsg@records", {"ENOMEM"}, {1}},
      {"send@records", {"ECONNRESET", "EPIPE"}, {7}},
      {"send@records", {"ENOBUFS"}, {1}},
      {"sendfile@file>socket", {"ECONNRESET", "EPIPE"}, {7}},
      {"sendfile@file>socket", {"ETIMEDOUT"}, {5}},
      {"sendfile@file>socket", {"EIO", "ENOMEM"}, {11}},
      {"io_uring_enter", {"EAGAIN"}, {1}},
      {"splice@pipe>socket", {"ECONNRESET", "EPIPE"}, {7}},
      {"splice@socket>pipe", {"ECONNRESET"}, {7}},
      {"splice@file>pipe", {"EIO"}, {11}},
      {"splice@pipe>file", {"ENOSPC", "EIO"}, {11}},

      // Waiting.
      {"epoll_wait", {"EINTR", "nothing", "short"}},
      {"poll", {"EINTR", "nothing"}},
      {"epoll_create1", {"EMFILE", "ENFILE", "ENOMEM"}, {1}},
      {"epoll_ctl", {"ENOMEM", "ENOSPC"}, {1}},
      {"eventfd", {"EMFILE", "ENFILE", "ENOMEM"}, {1}},

      // Connections.
      {"socket", {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"}, {1}},
      {"connect@inet", {"EINTR"}},
      {"connect@inet", {"ECONNREFUSED"}, {4}},
      {"connect@inet", {"ETIMEDOUT"}, {5}},
      {"connect@inet", {"EHOSTUNREACH", "ENETUNREACH", "EADDRNOTAVAIL"}, {6}},
      {"connect@inet", {"EAGAIN"}, {1}},
      {"connect@unix", {"EINTR", "EAGAIN"}},
      {"connect@unix", {"ECONNREFUSED"}, {4}},
      {"connect@unix", {"EACCES"}, {8}},
      {"bind", {"EADDRINUSE", "EACCES"}, {8}},
      {"listen", {"EADDRINUSE"}, {8}},
      {"accept4", {"EINTR", "EAGAIN", "ECONNABORTED", "EPROTO", "EPERM"}},
      {"accept4", {"EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"}, {1}, "accept"},
      {"shutdown@socket", {"ENOTCONN"}, {7}, "Connection reset"},
      {"getsockopt@SO_ERROR", {"ECONNRESET"}, {7}, "Connection reset"},
      {"ioctl@SIOCOUTQ", {"ENOTCONN"}, {7}, "Connection reset"},
      {"setsockopt@TCP_CONGESTION", {"ENOENT", "EPERM"}},
      {"getaddrinfo", {"EAI_AGAIN", "EAI_MEMORY"}, {3}},
      {"pthread_create", {"EAGAIN"}, {1}, "thread"},

      // Files.
      {"open@file", {"EMFILE", "ENFILE", "EACCES", "EIO"}, {11}},
      {"open@null", {"EMFILE", "ENFILE"}, {0, 11}},  // it may only be to keep a number occupied
      {"open@stream", {"EMFILE", "EACCES"}},         // then the stream is used as it was inherited
      {"dup2", {"EBUSY"}},
      {"fstat@file", {"ENOMEM", "EIO"}, {11}, "Cannot allocate memory|Input/output error"},
      {"fstat@pipe",
       {"ENOMEM"},
       {0, 11},
       "Cannot allocate memory"},  // of standard error it is used with care
      {"fstat@socket", {"ENOMEM"}, {1}, "Cannot allocate memory"},
      {"fcntl@F_DUPFD_CLOEXEC", {"EMFILE"}, {11}, "open|close"},
      {"mkostemp", {"EACCES", "EMFILE", "ENOSPC", "EROFS"}, {11}, "create a temporary file for"},
      {"fchmod", {"EPERM"}},
      {"fchmod", {"EIO", "EROFS"}, {11}, "chmod"},
      {"renameat2", {"EACCES", "ENOSPC", "EIO", "EROFS"}, {11}, "rename to"},
      {"fsync@file", {"EINVAL", "EROFS"}},
      {"fsync@file", {"EIO", "ENOSPC", "EDQUOT"}, {11}},
      {"fsync@folder", {"EIO"}, {11}},
      {"close@file", {"EINTR"}},
      {"close@pipe", {"EINTR"}},
      {"close@socket", {"EINTR"}},
      {"close@written", {"EINTR"}},
      {"close@written", {"ENOSPC", "EDQUOT", "EIO"}, {11}},
      {"ftruncate", {"EIO", "EPERM"}, {11}, "truncate"},
      {"memfd_create", {"EMFILE", "ENOMEM"}, {1}},

      // Programs.
      {"fork", {"EAGAIN", "ENOMEM"}, {1}},
      {"pidfd_open", {"EMFILE", "ENOMEM"}, {1}},
      {"waitpid", {"EINTR"}},
      {"child/open@null", {"ENFILE"}, {11}, "exec"},
      {"child/dup2", {"EBUSY"}, {11}, "exec"},
  };
  return table;
}

}  // namespace test
