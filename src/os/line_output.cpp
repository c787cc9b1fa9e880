#include "os/line_output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/text.hpp"
#include "os/calls.hpp"
#include "os/last_chance.hpp"
#include "os/output_file.hpp"
#include "os/standard_streams.hpp"
#include "os/writer_thread.hpp"

namespace sockx {

namespace {

/// write(2) that never waits, and that no observer is told of: what it writes may be the observer's own
/// words.
ssize_t write_now(const Descriptor& to, std::string_view bytes) {
  if (to.is_socket())
    return uninterrupted(
        [&] { return send(to.fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL); });
  if (to.may_block) {
    bytes = bytes.substr(0, PIPE_BUF);  // so much has room in a pipe that is writable at all
    if (!is_writable_now(to.fd)) {
      errno = EAGAIN;
      return -1;
    }
  }
  const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
  return uninterrupted([&] { return writev(to.fd, &piece, 1); });
}

}  // namespace

LineOutput::LineOutput(const std::string& path, Tell tell)
    : path_(path), is_prepared_(true), tell_(std::move(tell)) {
  open_file();
}

/// Nothing for a FIFO that nobody reads yet.
void LineOutput::open_file() {
  own_ = open_to_append(path_);
  if (own_) described_ = describe(own_.get(), path_, Origin::local_file);
}

void LineOutput::truncate() {
  if (described_.is_file() && ftruncate(own_.get(), 0) != 0)
    throw_errno(text("truncate {}", described_.name), Origin::local_file);
}

void LineOutput::prepare() {
  if (std::exchange(is_prepared_, true)) return;
  described_.fd = standard_;
  described_.may_block = true;
  try {
    described_ = describe(standard_, "", Origin::local_file);
  } catch (const Error&) {
    return;  // it is used with care, if at all
  }
  is_device_ = described_.kind == Descriptor::Kind::device;
  const bool is_shared = described_.kind == Descriptor::Kind::pipe || is_device_;
  if (!is_shared || !described_.may_block) return;
  own_.reset(open(text("/proc/self/fd/{}", standard_).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!own_) {
    own_ = write_by_thread(standard_);
    if (!own_) return;
    has_thread_ = true;
    described_.kind = Descriptor::Kind::unix_stream;
  }
  described_.fd = own_.get();
  described_.may_block = false;
}

/// A terminal in raw mode begins a new row only where it is told to.
std::string LineOutput::with_end(std::string_view line) {
  const int error = errno;
  prepare();
  termios settings{};
  const auto is_translating = [&] { return (~settings.c_oflag & (OPOST | ONLCR)) == 0; };
  const bool is_raw = is_device_ && tcgetattr(standard_, &settings) == 0 && !is_translating();
  errno = error;
  return std::string(line) + (is_raw ? "\r\n" : "\n");
}

void LineOutput::draw(std::string_view sequence) {
  const bool is_the_shells =
      is_in_background(has_thread_ ? standard_ : described_.fd);  // the row at the cursor
  if (!is_the_shells && flush()) add({std::string(sequence), 0}, false);
}

void LineOutput::add(Line line, bool keeps) {
  const int error = errno;
  prepare();
  const bool was_waiting = !flush();
  if (!keeps && !lines_.empty() && kept_ + line.bytes.size() > most_kept) {
    dropped_ += line.lines;
  } else {
    tell_of_dropped();
    queue(std::move(line));
    if (!flush() && !was_waiting && waiting_) waiting_();
  }
  errno = error;  // the observer of calls must not change it
}

void LineOutput::queue(Line line) {
  owner_ = getpid();
  kept_ += line.bytes.size();
  lines_.push_back(std::move(line));
}

void LineOutput::tell_of_dropped() {
  const auto count = std::exchange(dropped_, 0);
  if (count > 0) queue({tell_.dropped(count) + '\n', count});
}

bool LineOutput::flush() {
  if (!lines_.empty()) forget_lines_of_parent();
  if (!lines_.empty() && is_late()) return false;
  while (!lines_.empty() || dropped_ > 0) {
    if (lines_.empty()) tell_of_dropped();
    const auto rest = std::string_view(lines_.front().bytes).substr(begun_);
    const auto written = write_now(described_, rest);
    if (written == 0 || (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))) return false;
    if (written < 0) {
      fail(errno);
      return true;
    }
    kept_ -= static_cast<std::size_t>(written);
    begun_ += static_cast<std::size_t>(written);
    if (begun_ < lines_.front().bytes.size()) continue;
    lines_.pop_front();
    begun_ = 0;
  }
  return true;
}

/// Whether it is a file that cannot be written before somebody reads it.
bool LineOutput::is_late() {
  if (is_open()) return false;
  try {
    open_file();
  } catch (const Error& error) {
    fail(error.number());
    return false;
  }
  return !is_open();
}

void LineOutput::fail(int error) {
  drop_what_has_not_begun();
  if (!std::exchange(has_failed_, true) && tell_.failed) tell_.failed(error);
}

/// The rest of a line that has begun stays, so that no later one is joined to it.
void LineOutput::drop_what_has_not_begun() {
  while (lines_.size() > (begun_ > 0 ? 1U : 0U)) {
    dropped_ += lines_.back().lines;
    kept_ -= lines_.back().bytes.size();
    lines_.pop_back();
  }
}

/// After fork(2) they are the parent's to write.
void LineOutput::forget_lines_of_parent() {
  if (owner_ == getpid()) return;
  lines_.clear();
  begun_ = kept_ = 0;
  dropped_ = 0;
}

bool LineOutput::is_written() const { return !has_thread_ || unwritten(described_.fd) == 0; }

bool LineOutput::wait(std::chrono::milliseconds limit) const {
  const bool is_polled = is_open() && !(has_thread_ && lines_.empty());
  if (is_polled) return wait_until_writable(described_.fd, limit);
  constexpr std::chrono::milliseconds look_again{5};
  return poll(nullptr, 0, static_cast<int>(std::min(limit, look_again).count())) == 0;
}

void LineOutput::finish() {
  if (flush() && is_written()) return;  // perhaps nothing has ever been written
  const bool is_polled = !has_thread_ && is_open();
  give_last_chance(is_polled ? described_.fd : -1, std::chrono::seconds(1), [this] {
    const auto in_hand = flush() ? 0 : std::max<std::size_t>(kept_, 1);
    return in_hand + (has_thread_ ? unwritten(described_.fd) : 0);
  });
  if (!is_open() && tell_.failed) tell_.failed(ENXIO);
}

}  // namespace sockx
