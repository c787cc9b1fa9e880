// hexdump: shows the bytes of a stream in hexadecimal.
#include <algorithm>

#include "flow/stage.hpp"

namespace sockx {

namespace {

class Hexdump : public Stage {
 public:
  Hexdump(std::function<void(const DumpedRow&)> write, std::function<bool()> has_caught_up)
      : write_(std::move(write)), has_caught_up_(std::move(has_caught_up)) {}

  void pass(std::vector<std::byte>& bytes) override {
    constexpr std::size_t row = 16;
    for (std::size_t at = 0; at < bytes.size(); at += row)
      write_({offset_ + at, std::span(bytes).subspan(at, std::min(row, bytes.size() - at))});
    offset_ += bytes.size();
  }
  bool has_caught_up() override { return has_caught_up_(); }

 private:
  std::function<void(const DumpedRow&)> write_;
  std::function<bool()> has_caught_up_;
  std::uint64_t offset_ = 0;
};

}  // namespace

std::shared_ptr<Stage> make_hexdump(std::function<void(const DumpedRow&)> write,
                                    std::function<bool()> has_caught_up) {
  return std::make_shared<Hexdump>(std::move(write), std::move(has_caught_up));
}

}  // namespace sockx
