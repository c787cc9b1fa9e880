// send: every client gets the file.
#include <fcntl.h>

#include "flow/pumping.hpp"
#include "os/calls.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Send : public Handler {
 public:
  explicit Send(std::string path) : path_(std::move(path)) { open_file(); }

  /// The file as it is now. However slow the client is, it has it all before it is closed; what it says is
  /// dropped.
  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    Stream file(loop, open_file());
    Pump pump(describe(file.fd.get(), path_, Origin::local_file), client.socket);
    co_await run_pump(pump, file.watch, client.watch, {nullptr, &client.tally.last_byte, &client.tally.sent});
    shutdown_write(client.socket);
    co_await wait_until_acknowledged(client.socket, never, &client.tally.last_byte);
    co_await client.finish();
  }

  std::size_t descriptors() const override { return 1; }

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
