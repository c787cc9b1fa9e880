// BlockTransform: a transform that lives in the tests, and the far end that speaks as it does.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.hpp"
#include "flow/transform.hpp"

namespace test {

/// What goes over the wire are blocks: a byte that says which kind, two that say the length, and the content,
/// of which each byte is XORed.
struct Block {
  enum class Kind : char { data = 'D', question = 'Q', answer = 'A', end = 'E' };
  static constexpr std::size_t largest = 1000;  // bytes of content
  static constexpr std::size_t header = 3;
  Kind kind = Kind::data;
  std::string content;

  std::string encoded() const {
    std::string bytes{static_cast<char>(kind), static_cast<char>(content.size() >> 8U),
                      static_cast<char>(content.size() & 0xFFU)};
    for (const char byte : content) bytes += static_cast<char>(byte ^ 0x5A);
    return bytes;
  }
  /// Takes the first block off `wire`, if it is there whole.
  static std::optional<Block> take(std::string_view& wire) {
    if (wire.size() < header) return {};
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(wire[1])) << 8U |
                      static_cast<std::size_t>(static_cast<unsigned char>(wire[2]));
    if (wire.size() < header + size) return {};
    Block block{static_cast<Kind>(wire[0]), std::string(wire.substr(header, size))};
    for (auto& byte : block.content) byte = static_cast<char>(byte ^ 0x5A);
    wire.remove_prefix(header + size);
    return block;
  }
};

/// Data are held until they fill a block or are flushed. A question is answered before anything behind it is
/// read. The end is a block: the descriptor's end before that is a fault.
class BlockTransform : public sockx::Transform {
 public:
  explicit BlockTransform(sockx::RawEnd raw) : raw_(std::move(raw)) {}

  sockx::IoResult read(std::span<std::byte> buffer) override {
    using State = sockx::IoResult::State;
    while (plain_.empty() && !peer_ended_) {
      if (is_asked_ && !wire_out_.empty()) {
        send();
        if (!wire_out_.empty()) return {State::again};
      }
      is_asked_ = false;
      std::string_view wire = wire_in_;
      if (auto block = Block::take(wire)) {
        accept(std::move(*block));
        wire_in_.erase(0, wire_in_.size() - wire.size());
        continue;
      }
      std::array<std::byte, 4096> bytes;
      const auto got = raw_.read(bytes);
      if (got.state == State::again) return got;
      if (got.state == State::eof) throw sockx::Error(EPROTO, "the end is missing", raw_.facts().origin);
      wire_in_.append(reinterpret_cast<const char*>(bytes.data()), got.bytes);
    }
    if (plain_.empty()) return {State::eof};
    const auto size = std::min(buffer.size(), plain_.size());
    std::transform(plain_.begin(), plain_.begin() + static_cast<std::ptrdiff_t>(size), buffer.begin(),
                   [](char byte) { return static_cast<std::byte>(byte); });
    plain_.erase(0, size);
    return {State::moved, size};
  }

  sockx::IoResult write(std::span<const std::byte> bytes) override {
    using State = sockx::IoResult::State;
    if (!wire_out_.empty()) send();
    if (!wire_out_.empty()) return {State::again};
    const auto size = std::min(bytes.size(), Block::largest - held_.size());
    held_.append(reinterpret_cast<const char*>(bytes.data()), size);
    if (held_.size() == Block::largest) flush();
    return {State::moved, size};
  }

  bool is_holding() const override { return !held_.empty() || !wire_out_.empty(); }

  void flush() override {
    if (!held_.empty()) wire_out_ += Block{Block::Kind::data, std::exchange(held_, {})}.encoded();
    send();
  }

  void finish() override {
    if (std::exchange(has_ended_, true)) return;
    flush();
    wire_out_ += Block{Block::Kind::end, {}}.encoded();
  }

 private:
  void accept(Block block) {
    switch (block.kind) {
      case Block::Kind::data:
        plain_ += block.content;
        break;
      case Block::Kind::question:
        if (has_ended_) break;  // nothing may follow our end
        wire_out_ += Block{Block::Kind::answer, block.content}.encoded();
        is_asked_ = true;
        break;
      case Block::Kind::answer:
        break;
      case Block::Kind::end:
        peer_ended_ = true;
        break;
    }
  }

  void send() {
    while (!wire_out_.empty()) {
      const auto put = raw_.write(std::as_bytes(std::span(wire_out_)));
      if (put.state != sockx::IoResult::State::moved) return;
      wire_out_.erase(0, put.bytes);
    }
  }

  sockx::RawEnd raw_;
  std::string wire_in_, wire_out_;
  std::string plain_;  // to be read
  std::string held_;   // has been written and is in no block yet
  bool is_asked_ = false, peer_ended_ = false, has_ended_ = false;
};

inline std::unique_ptr<sockx::Transform> make_block_transform(sockx::RawEnd raw) {
  return std::make_unique<BlockTransform>(std::move(raw));
}

}  // namespace test
