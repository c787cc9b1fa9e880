// Ends on this host that are neither connections, programs nor terminals: the standard streams, and files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/output_file.hpp"
#include "os/substitutes.hpp"
#include "os/terminal_mode.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

namespace {

class OpenPair final : public OpenEnd {
 public:
  OpenPair(Stream in, Stream out, bool is_heard = true)
      : in_(std::move(in)), out_(std::move(out)), is_heard_(is_heard) {}
  Duplex duplex() override { return {.in = in_, .out = out_, .is_heard = is_heard_}; }
  bool is_whole_when_silent() const override { return true; }

 private:
  Stream in_, out_;
  bool is_heard_;
};

class OpenStandard final : public OpenEnd {
 public:
  OpenStandard(EventLoop& loop, bool keys_pass)
      : in_(Stream::standard_input(loop)),
        out_(Stream::standard_output(loop)),
        is_typed_(isatty(STDIN_FILENO) != 0) {
    if (is_typed_ && keys_pass) mode_.emplace(STDIN_FILENO);
  }
  Duplex duplex() override { return {.in = in_, .out = out_}; }
  bool is_whole_when_silent() const override { return true; }
  bool is_typed() const override { return is_typed_; }
  void note_window() override {
    if (mode_) mode_->renew();
  }

 private:
  Stream in_, out_;
  bool is_typed_;
  std::optional<TerminalMode> mode_;  // restored while the terminal is open
};

class StandardEnd final : public RelayEnd {
 public:
  explicit StandardEnd(bool keys_pass) : keys_pass_(keys_pass) {}
  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto& loop = co_await this_loop();
    co_return std::make_unique<OpenStandard>(loop, keys_pass_);
  }
  std::size_t descriptors() const override { return 0; }

 private:
  bool keys_pass_;
};

Stream null_stream(EventLoop& loop) { return {loop, open_null_device(), "/dev/null", Origin::local_file}; }

class FileSource final : public RelayEnd {
 public:
  explicit FileSource(std::string path) : path_(std::move(path)) {}
  Task<> prepare() override {
    std::ignore = open_file();
    co_return;
  }
  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto& loop = co_await this_loop();
    Stream file(loop, open_file(), path_, Origin::local_file);
    co_return std::make_unique<OpenPair>(std::move(file), null_stream(loop));
  }
  std::size_t descriptors() const override { return 4; }

 private:
  UniqueFd open_file() const {
    UniqueFd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) throw_errno(text("open {}", path_), Origin::local_file);
    struct stat status {};
    if (fstat(file.get(), &status) != 0) throw_errno(text("fstat {}", path_), Origin::local_file);
    if (S_ISDIR(status.st_mode)) throw Error(EISDIR, text("open {}", path_), Origin::local_file);
    return file;
  }

  std::string path_;
};

class FileSink final : public RelayEnd {
 public:
  FileSink(std::string path, FileMode mode) : path_(std::move(path)), mode_(mode) {}
  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto& loop = co_await this_loop();
    Stream file(loop, open_file(), path_, Origin::local_file);
    co_return std::make_unique<OpenPair>(null_stream(loop), std::move(file), false);
  }
  std::size_t descriptors() const override { return 4; }

 private:
  UniqueFd open_file() const {
    auto file = open_output(path_, O_CREAT | (mode_ == FileMode::append ? O_APPEND : O_TRUNC));
    if (!file) throw_errno(text("open {}", path_), Origin::local_file);
    return file;
  }

  std::string path_;
  FileMode mode_;
};

}  // namespace

std::unique_ptr<RelayEnd> make_standard_end(bool keys_pass) {
  return std::make_unique<StandardEnd>(keys_pass);
}

std::unique_ptr<RelayEnd> make_file_source(std::string path) {
  return std::make_unique<FileSource>(std::move(path));
}

std::unique_ptr<RelayEnd> make_file_sink(std::string path, FileMode mode) {
  return std::make_unique<FileSink>(std::move(path), mode);
}

}  // namespace sockx
