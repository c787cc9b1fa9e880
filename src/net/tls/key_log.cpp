#include "net/tls/key_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/output_file.hpp"

namespace sockx {

KeyLog::KeyLog(std::string path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)) {
  file_ = open_output(path_, O_CREAT | O_APPEND | O_NOCTTY, S_IRUSR | S_IWUSR);
  if (!file_) fail_on_file("open", path_);
}

void KeyLog::add(std::string_view line) {
  if (!file_) return;
  const auto entry = std::string(line) + '\n';
  const auto put = uninterrupted([&] { return write(file_.get(), entry.data(), entry.size()); });
  if (put == static_cast<ssize_t>(entry.size())) return;
  const auto why = put < 0 ? std::string(std::strerror(errno))
                           : text("only {} bytes of a line of {} were written", put, entry.size());
  file_.reset();
  if (warn_) warn_(text("write {}: {}; no more secrets are logged", path_, why));
}

}  // namespace sockx
