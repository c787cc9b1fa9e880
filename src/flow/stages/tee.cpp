// tee: a copy of the stream in a file.
#include "flow/stage.hpp"

namespace sockx {

namespace {

class Tee : public Stage {
 public:
  explicit Tee(std::shared_ptr<SideFile> file) : file_(std::move(file)) {}
  void pass(std::vector<std::byte>& bytes) override { file_->put(bytes); }
  bool has_caught_up() override { return file_->flush(); }

 private:
  std::shared_ptr<SideFile> file_;
};

}  // namespace

std::shared_ptr<Stage> make_tee(std::shared_ptr<SideFile> file) {
  return std::make_shared<Tee>(std::move(file));
}

}  // namespace sockx
