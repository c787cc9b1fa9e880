// crlf: line ends as Internet protocols want them.
#include <algorithm>

#include "flow/stage.hpp"

namespace sockx {

namespace {

constexpr std::byte cr{'\r'}, lf{'\n'};

class Crlf : public Stage {
 public:
  void pass(std::vector<std::byte>& bytes) override {
    if (bytes.empty()) return;
    std::vector<std::byte> passed;
    passed.reserve(bytes.size() + static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), lf)));
    for (const auto byte : bytes) {
      if (byte == lf && last_ != cr) passed.push_back(cr);
      passed.push_back(byte);
      last_ = byte;
    }
    bytes.swap(passed);
  }

 private:
  std::byte last_{};  // of the stream so far
};

}  // namespace

std::shared_ptr<Stage> make_crlf() { return std::make_shared<Crlf>(); }

}  // namespace sockx
