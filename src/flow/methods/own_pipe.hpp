// OwnPipe: where bytes rest between two splices, when neither end is a pipe.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "os/bytes.hpp"
#include "os/pipe.hpp"

namespace sockx {

/// It is filled only when it is empty, so that "would block" always speaks of the source when filling and of
/// the sink when emptying.
class OwnPipe {
 public:
  /// Nothing when there is none to be had.
  static std::optional<OwnPipe> make(std::size_t wanted) {
    auto pipe = make_pipe(wanted);
    if (!pipe) return {};
    return OwnPipe(std::move(*pipe));
  }

  const Descriptor& in() const { return in_; }
  const Descriptor& out() const { return out_; }
  std::size_t capacity() const { return pipe_.capacity; }

  /// Empties it of the bytes in it, which are so many.
  std::vector<std::byte> take(std::size_t size) const {
    std::vector<std::byte> bytes(size);
    for (std::size_t got = 0; got < bytes.size();)
      got += read_some(out_, std::span(bytes).subspan(got)).bytes;
    return bytes;
  }

 private:
  explicit OwnPipe(Pipe pipe)
      : pipe_(std::move(pipe)),
        in_{pipe_.write_end.get(), "pipe", Origin::system, Descriptor::Kind::pipe},
        out_{pipe_.read_end.get(), "pipe", Origin::system, Descriptor::Kind::pipe} {}

  Pipe pipe_;
  Descriptor in_, out_;
};

}  // namespace sockx
