#include "transfer/file_sender.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/relay.hpp"
#include "flow/run_pump.hpp"
#include "flow/task_group.hpp"
#include "os/calls.hpp"
#include "os/standard_streams.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

class Sending : NonCopyable {
 public:
  Sending(EventLoop& loop, FileSource& source, Connection connection, SendOptions options,
          TransferStats& stats)
      : loop_(loop),
        source_(source),
        options_(std::move(options)),
        stats_(stats),
        waits_before_(loop.waits()),
        peer_(std::move(connection.stream)),
        file_(Stream::borrow(loop, source.described)),
        pump_(
            file_, peer_,
            {method_for(source), options_.chunk, source.length.value_or(options_.count.value_or(no_limit))}) {
    if (options_.rate) rate_.emplace(*options_.rate);
  }
  ~Sending() { count(); }

  Task<> run() { co_await any(watch_for_idleness(options_.idle_timeout, last_byte_, peer_), transfer()); }

 private:
  static constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();

  /// It is sendfile(2) unless another method was asked for.
  TransferMethod method_for(const FileSource& source) const {
    const bool is_automatic = options_.method == TransferMethod::automatic;
    const bool is_sendfile = is_automatic && source.described.is_file() && peer_.is_plain();
    return is_sendfile ? TransferMethod::sendfile : options_.method;
  }

  Task<> transfer() {
    TaskGroup group(loop_);
    group.spawn(send());
    group.spawn(drop_answers());
    while (!peer_ended_ || !sent_at_) {
      const bool in_time = co_await group.next_end(close_deadline());
      if (!in_time) throw TimedOut(text("{} has not closed in time", peer_.name()));
      if (sent_at_ && !peer_ended_ && !std::exchange(waits_for_close_, true))
        group.spawn(warn_of_open_peer());
    }
    const bool taken = co_await peer_.wait_until_acknowledged(close_deadline(), &last_byte_);
    if (!taken) throw TimedOut(text("{} has not acknowledged everything in time", peer_.name()));
  }

  /// Counts from when everything was sent.
  Deadline close_deadline() const {
    return sent_at_ && options_.eof_timeout ? *sent_at_ + *options_.eof_timeout : never;
  }

  Task<> send() {
    auto* const rate = rate_ ? &*rate_ : nullptr;
    co_await run_pump(pump_, {rate, &last_byte_, &stats_.bytes});
    if (source_.length && pump_.bytes() < *source_.length)
      throw Incomplete(text("{} has become shorter: {} of {} were sent", source_.described.name,
                            pump_.bytes(), counted(*source_.length, "byte")));
    sent_at_ = loop_.now();
    stats_.is_finishing = true;
    set_reset_on_close(peer_.facts().fd, false);
    co_await peer_.finish_writing();
  }

  Task<> drop_answers() {
    co_await peer_.drain(never, &last_byte_);
    peer_ended_ = true;
  }

  Task<> warn_of_open_peer() {
    co_await loop_.sleep_until(after(patience_before_warning));
    co_await peer_.wait_until_acknowledged(never);
    options_.tell_open(text("{} has acknowledged everything, but has not closed", peer_.name()));
  }

  void count() {
    stats_.system_calls = pump_.calls() + loop_.waits() - waits_before_;
    stats_.method = pump_.method();
    stats_.why_fell_back = pump_.why_fell_back();
    stats_.copied = pump_.copied();
  }

  EventLoop& loop_;
  FileSource& source_;
  SendOptions options_;
  TransferStats& stats_;
  std::uint64_t waits_before_;
  Stream peer_, file_;
  Pump pump_;
  std::optional<RateLimit> rate_;
  Clock::time_point last_byte_ = Clock::now();
  std::optional<Clock::time_point> sent_at_;
  bool peer_ended_ = false, waits_for_close_ = false;
};

/// Files of /proc have size 0, those of /sys a page.
bool tells_its_size(int fd, const struct stat& status) {
  struct statfs system {};
  return status.st_size != 0 && fstatfs(fd, &system) == 0 && system.f_type != SYSFS_MAGIC;
}

}  // namespace

FileSource FileSource::open(const std::string& path, std::uint64_t offset,
                            std::optional<std::uint64_t> count) {
  FileSource source;
  if (path == "-") {
    source.fd = take_standard_input();
    source.described = describe_standard_stream(0);
  } else {
    source.fd = UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!source.fd) throw_errno(text("open {}", path), Origin::local_file);
    source.described = describe(source.fd.get(), path, Origin::local_file);
  }
  struct stat status {};
  if (fstat(source.fd.get(), &status) != 0) throw_errno(text("fstat {}", path), Origin::local_file);
  if (S_ISDIR(status.st_mode)) throw Error(EISDIR, text("open {}", path), Origin::local_file);
  const auto bad_offset = [&](const std::string& why) {
    return BadInput(text("offset {}", offset), text("{} {}", path, why));
  };
  const auto beyond = [&] {
    return bad_offset(text("has only {}", counted(static_cast<std::uint64_t>(status.st_size), "byte")));
  };
  const off_t start = lseek(source.fd.get(), static_cast<off_t>(offset), SEEK_CUR);
  if (start < 0 && source.described.is_file()) throw beyond();
  if (start < 0 && offset > 0) throw bad_offset("cannot seek");
  if (!source.described.is_file() || !tells_its_size(source.fd.get(), status)) return source;
  if (start > status.st_size) throw beyond();
  source.length = static_cast<std::uint64_t>(status.st_size - start);
  if (count) source.length = std::min(*source.length, *count);
  return source;
}

Task<> wait_for_writer(const FileSource& source) {
  const auto& facts = source.described;
  if (facts.kind != Descriptor::Kind::pipe || facts.fd == STDIN_FILENO) co_return;
  auto& loop = co_await this_loop();
  auto input = Stream::borrow(loop, facts);
  co_await input.readable();
}

Task<> send_file(FileSource& source, Connection connection, SendOptions options, TransferStats& stats) {
  set_reset_on_close(connection.fd(), true);
  Sending sending(co_await this_loop(), source, std::move(connection), std::move(options), stats);
  co_await sending.run();
}

}  // namespace sockx
