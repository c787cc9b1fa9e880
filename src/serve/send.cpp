// send: every client gets the file.
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "flow/run_pump.hpp"
#include "os/calls.hpp"
#include "serve/handler.hpp"

namespace sockx {

namespace {

class Send : public Handler {
 public:
  explicit Send(std::string path) : path_(std::move(path)) { open_file(); }

  /// The file as it is now. However slow the client is, it has it all before it is closed; what it says is
  /// dropped. A client that does not get all of it meets a reset.
  Task<> serve(Client& client) override {
    auto& loop = co_await this_loop();
    Stream file(loop, open_file(), path_, Origin::local_file);
    const auto size = status_of(file.facts().fd).st_size;
    Pump pump(file, client.stream());
    co_await run_pump(pump, {nullptr, &client.tally.last_byte, &client.tally.sent});
    if (const auto sent = client.tally.sent; sent < static_cast<std::uint64_t>(size))
      throw Incomplete(text("{} has become shorter: {} of {} were sent", path_, sent,
                            counted(static_cast<std::uint64_t>(size), "byte")));
    co_await client.end_output();
    co_await client.stream().wait_until_acknowledged(never, &client.tally.last_byte);
    co_await client.finish();
  }

  std::size_t descriptors() const override { return 1; }

 private:
  UniqueFd open_file() const {
    UniqueFd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) throw_errno(text("open {}", path_), Origin::local_file);
    const auto mode = status_of(file.get()).st_mode;
    if (S_ISDIR(mode)) throw Error(EISDIR, text("open {}", path_), Origin::local_file);
    if (S_ISFIFO(mode))
      throw Error(ESPIPE, text("open {}: a pipe gives what it has to one reader", path_), Origin::local_file);
    return file;
  }
  struct stat status_of(int file) const {
    struct stat status {};
    if (fstat(file, &status) != 0) throw_errno(text("fstat {}", path_), Origin::local_file);
    return status;
  }

  std::string path_;
};

}  // namespace

std::unique_ptr<Handler> make_send(std::string path) { return std::make_unique<Send>(std::move(path)); }

}  // namespace sockx
