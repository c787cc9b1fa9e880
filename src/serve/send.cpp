// send: every client gets the file.
#include <fcntl.h>

#include "os/substitutes.hpp"
#include "os/text.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Send : public Handler {
 public:
  explicit Send(std::string path) : path_(std::move(path)) { open_file(); }

  /// The file as it is now; what the client says is dropped.
  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    Stream file(loop, open_file());
    std::optional<Stream> nowhere(std::in_place, loop, open_null_device());
    RelayOptions rules;
    rules.until = Until::local;
    NearSide near{describe(file.fd.get(), path_, Origin::local_file),
                  describe(nowhere->fd.get(), "/dev/null", Origin::local_file), file.watch, nowhere};
    FarSide far{client.socket, client.watch};
    co_await relay(std::move(near), std::move(far), std::move(rules), client.tally, [](const RelayEvent&) {});
  }

  std::size_t descriptors() const override { return 2; }

 private:
  UniqueFd open_file() const {
    UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) throw_errno(text("open {}", path_), Origin::local_file);
    return file;
  }

  std::string path_;
};

}  // namespace

std::unique_ptr<Handler> make_send(std::string path) { return std::make_unique<Send>(std::move(path)); }

}  // namespace sockx
