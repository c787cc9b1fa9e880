// Ends on this host that are neither connections nor programs: the standard streams, and files.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "os/output_file.hpp"
#include "os/substitutes.hpp"
#include "serve/ends/relay_end.hpp"

namespace sockx {

namespace {

class OpenPair final : public OpenEnd {
 public:
  OpenPair(Stream in, Stream out, bool is_typed, bool is_heard = true)
      : in_(std::move(in)), out_(std::move(out)), is_typed_(is_typed), is_heard_(is_heard) {}
  Duplex duplex() override { return {.in = in_, .out = out_, .is_heard = is_heard_}; }
  bool is_whole_when_silent() const override { return true; }
  bool is_typed() const override { return is_typed_; }

 private:
  Stream in_, out_;
  bool is_typed_, is_heard_;
};

class StandardEnd final : public RelayEnd {
 public:
  Task<std::unique_ptr<OpenEnd>> open(OpenedFor) override {
    auto& loop = co_await this_loop();
    co_return std::make_unique<OpenPair>(Stream::standard_input(loop), Stream::standard_output(loop),
                                         isatty(STDIN_FILENO) != 0);
  }
  std::size_t descriptors() const override { return 0; }
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
    co_return std::make_unique<OpenPair>(std::move(file), null_stream(loop), false);
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
    co_return std::make_unique<OpenPair>(null_stream(loop), std::move(file), false, false);
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

std::unique_ptr<RelayEnd> make_standard_end() { return std::make_unique<StandardEnd>(); }

std::unique_ptr<RelayEnd> make_file_source(std::string path) {
  return std::make_unique<FileSource>(std::move(path));
}

std::unique_ptr<RelayEnd> make_file_sink(std::string path, FileMode mode) {
  return std::make_unique<FileSink>(std::move(path), mode);
}

}  // namespace sockx
