// Framing: where one record ends and the next begins, in a stream of bytes that is to become records.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sockx {

struct Framing {
  enum class Kind {
    line,   // a line with its newline is a record; so is a last one without
    size,   // `size` bytes are, and what is left at the end
    len32,  // as many bytes as the 32-bit number in network order before them says
    all,    // everything is one record, also when it is nothing
  };
  Kind kind = Kind::line;
  std::size_t size = 0;
};

/// The most bytes of a record, and how a message calls the record, what bounds it, and the setting for that.
struct RecordLimit {
  std::size_t most;
  std::string record = "a record", bound = "the most is", setting = {};
};

/// Cuts a stream into records within a limit. Throws Error (EMSGSIZE) for a longer one, and
/// Incomplete when the stream ends within a record of a length that was given before it.
class Framer {
 public:
  Framer(Framing framing, RecordLimit limit) : framing_(framing), limit_(std::move(limit)) {}
  Framer(Framing framing, std::size_t most) : Framer(framing, RecordLimit{most}) {}

  void put(std::span<const std::byte> bytes);
  /// No more will be put.
  void end() { ended_ = true; }
  bool has_ended() const { return ended_; }

  /// The next record, once it is whole.
  std::optional<std::vector<std::byte>> take();
  /// Bytes put and not taken.
  std::size_t left() const { return bytes_.size() - begin_; }

 private:
  std::optional<std::size_t> whole_line();
  std::optional<std::size_t> counted();
  std::optional<std::size_t> everything();
  void check_size(std::size_t size) const;

  Framing framing_;
  RecordLimit limit_;
  std::vector<std::byte> bytes_;
  std::size_t begin_ = 0;     // of what has not been taken
  std::size_t searched_ = 0;  // from begin_: so many bytes hold no newline
  bool ended_ = false, all_taken_ = false;
};

}  // namespace sockx
