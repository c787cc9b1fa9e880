// sendfile: sendfile(2) hands the file's pages in the page cache to the socket; no byte enters user space.
#include <algorithm>

#include "flow/method.hpp"
#include "os/bytes.hpp"

namespace sockx {

namespace {

constexpr std::size_t kernel_limit = 0x7ffff000;  // the most that one call moves, see sendfile(2)

class Sendfile : public Method {
 public:
  explicit Sendfile(PlainEnds ends) : ends_(ends) {
    if (ends_.chunk == 0 || ends_.chunk > kernel_limit) ends_.chunk = kernel_limit;
  }

  std::string_view name() const override { return "sendfile"; }
  bool would_rather_splice() const override {
    return ends_.to.kind == Descriptor::Kind::tcp && moved_ >= long_stream;
  }

  Move move(std::uint64_t most) override {
    ++calls_;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, ends_.chunk));
    const auto result = sendfile_some(ends_.from, ends_.to, wanted);
    switch (result.state) {
      case IoResult::State::moved:
        moved_ += result.bytes;
        return {Move::State::moved, result.bytes};
      case IoResult::State::eof:
        return {Move::State::ended};
      case IoResult::State::again:
        return {Move::State::output_full};  // a regular file is never the one that blocks
      case IoResult::State::refused:
        return {Move::State::refused};
    }
    return {};
  }

 private:
  static constexpr std::uint64_t long_stream = 1024 * 1024;  // a pipe costs some system calls to make

  PlainEnds ends_;
  std::uint64_t moved_ = 0;
};

}  // namespace

std::unique_ptr<Method> make_sendfile(PlainEnds ends) { return std::make_unique<Sendfile>(ends); }

}  // namespace sockx
