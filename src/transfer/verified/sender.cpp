#include "transfer/verified/sender.hpp"

#include <sys/stat.h>

#include <deque>

#include "flow/task_group.hpp"
#include "os/error.hpp"
#include "os/text.hpp"
#include "transfer/verified/file_sending.hpp"
#include "transfer/verified/sending_lanes.hpp"
#include "transfer/verified/source.hpp"
#include "transfer/verified/source_walk.hpp"
#include "transfer/verified/unanswered.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t announced_ahead = 64;  // entries
constexpr std::size_t most_unanswered = 4096;
constexpr Duration parting_time = 2s;
constexpr Duration counting_time = 3s;  // of what a receiver waits for the greeting

class SendingSession {
 public:
  SendingSession(EventLoop& loop, Connection connection, NextConnection next, VerifiedSendOptions options,
                 TransferTally& tally)
      : loop_(loop),
        options_(std::move(options)),
        tally_(tally),
        unanswered_(loop, connection.name(), options_.tell, tally),
        lanes_(loop, std::move(connection), std::move(next), options_, tally),
        file_sending_(loop, lanes_, unanswered_, options_.tell, tally),
        counting_(loop) {}

  Task<> run() {
    std::vector<Task<>> tasks;
    if (options_.idle_timeout)
      tasks.push_back(watch_for_idleness(*options_.idle_timeout, lanes_.last_byte(),
                                         [this] { return lanes_.unacknowledged(); }));
    tasks.push_back(transfer());
    std::exception_ptr failure;
    try {
      co_await any(std::move(tasks));
    } catch (const Abort& abort) {
      throw_failure(abort);
    } catch (const TimedOut& reason) {
      if (!is_greeted_) throw;
      throw Incomplete(broken_off(reason));
    } catch (const Error& reason) {
      if (reason.origin() != Origin::peer || !is_greeted_) throw;
      failure = std::make_exception_ptr(Incomplete(broken_off(reason)));
    } catch (const Incomplete&) {
      failure = std::current_exception();
    }
    if (failure) {
      co_await say_why(failure);
    }
  }

 private:
  /// A connection that ends may do so because the receiver has given up, which it says on the first. Throws
  /// that reason, or else the failure.
  Task<> say_why(std::exception_ptr failure) {
    try {
      std::string unused;
      co_await bounded(hear_abort(), after(parting_time), std::move(unused));
    } catch (const Abort& abort) {
      throw_failure(abort);
    } catch (const std::exception&) {  // it has said nothing
    }
    std::rethrow_exception(failure);
  }

  Task<> hear_abort() {
    for (;;) {
      const auto message = co_await control().receive();
      if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
    }
  }

  std::string broken_off(const std::exception& reason) const {
    const auto of_all = tally_.bytes_total ? text(" of {}", *tally_.bytes_total) : "";
    return text("{}{} bytes were sent: {}", tally_.bytes_done(), of_all, reason.what());
  }

  Task<> transfer() {
    // A first walk, so that both ends know what is to come. One that takes long goes on beside the transfer,
    // and then only this end knows.
    counting_.spawn(count());
    co_await counting_.next_end(after(counting_time));
    co_await lanes_.greet_first(totals_);
    is_greeted_ = true;
    std::vector<Task<>> opening;
    opening.push_back(lanes_.open_others());
    opening.push_back(hear_abort());
    co_await any(std::move(opening));
    co_await all(take_answers(), send_everything());
    tally_.phase = TransferTally::Phase::finishing;
    co_await control().part(after(parting_time));
  }

  Task<> count() {
    const auto totals = co_await count_sources(options_.paths, work());
    totals_ = totals;
    if (!totals.has_sizes) co_return;
    tally_.files_total = totals.files;
    tally_.bytes_total = totals.bytes;
  }

  LongWork work() { return {loop_, lanes_.last_byte()}; }
  Channel& control() { return lanes_.control(); }

  Task<> send_everything() {
    tally_.phase = TransferTally::Phase::moving;
    SourceWalk::Listener listener;
    listener.left_out = [this](const std::string& path, const std::string& why) {
      options_.tell({FileEvent::Kind::left_out, path, 0, why});
    };
    listener.refused = [this](const std::string& path, const std::string& why) {
      unanswered_.leave_out(path, why);
    };
    listener.unreadable = [this](const std::string& path, int error) {
      unanswered_.fail(path,
                       std::make_exception_ptr(Error(error, text("open {}", path), Origin::local_file)));
    };
    SourceWalk walk(options_.paths, std::move(listener), work());
    bool has_more = true;
    while (has_more || !announced_.empty()) {
      while (has_more && announced_.size() < announced_ahead && control().unsent() <= enough_in_line) {
        const auto step = co_await walk.next();
        has_more = step.has_value();
        if (step) announce(*step);
      }
      co_await send_first_announced();
      if (control().unsent() > enough_in_line) {
        co_await control().flush();
      }
      while (unanswered_.size() > most_unanswered) {
        co_await unanswered_.send_or_wait(control());
      }
    }
    has_said_all_ = true;
    control().put(Finish());
    co_await control().flush();
  }

  Task<> send_first_announced() {
    if (announced_.empty()) co_return;
    auto next = std::move(announced_.front());
    announced_.pop_front();
    if (next.source) {
      co_await file_sending_.send(next.id, *next.source);
    } else {
      control().put(End{next.id, 0, 0});
    }
  }

  /// Says what comes, so that the answers do not have to be waited for one by one.
  void announce(const SourceStep& step) {
    struct stat status {};
    switch (step.kind) {
      case SourceStep::Kind::leave:
        announced_.push_back({folders_.back(), std::nullopt});
        folders_.pop_back();
        return;
      case SourceStep::Kind::enter:
        if (stat(step.path.c_str(), &status) != 0) status = {};
        folders_.push_back(next_id_);
        announce(entry_of(EntryKind::directory, status, step.name), step.path);
        return;
      case SourceStep::Kind::link:
        announce_link(step);
        return;
      case SourceStep::Kind::file:
        break;
    }
    try {
      SourceFile source(step.path, step.is_named);
      if (const auto mode = source.status().st_mode; !step.is_named && !S_ISREG(mode)) {
        unanswered_.leave_out(step.path, kind_in_words(mode));  // it has been replaced since the walk saw it
        return;
      }
      auto entry =
          entry_of(EntryKind::file, source.status(), options_.name.empty() ? step.name : options_.name);
      entry.size = source.has_size() ? source.size() : unknown;
      announced_.push_back({next_id_, std::move(source)});
      announce(std::move(entry), step.path);
    } catch (const Error& error) {
      if (error.number() == ELOOP && !step.is_named)
        fail_now(step.path, kind_in_words(S_IFLNK));
      else
        unanswered_.fail(step.path, std::current_exception());
    }
  }

  void announce_link(const SourceStep& step) {
    struct stat status {};
    if (lstat(step.path.c_str(), &status) != 0) status = {};
    if (!lanes_.takes_links()) {
      fail_now(step.path, "is a symbolic link that was not there when the transfer began");
      return;
    }
    auto entry = entry_of(EntryKind::link, status, step.name);
    entry.target = step.target;
    announce(std::move(entry), step.path);
  }

  /// The next transfer can send it.
  void fail_now(const std::string& path, const std::string& why) {
    unanswered_.fail(path, std::make_exception_ptr(Incomplete(text("{} {}, and is not sent", path, why))));
  }

  static Entry entry_of(EntryKind kind, const struct stat& status, std::string name) {
    const bool has_mode = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);  // a pipe's is not the data's
    Entry entry;
    entry.kind = kind;
    entry.mode = static_cast<std::uint16_t>(has_mode ? status.st_mode & 0777 : 0666);
    entry.seconds = status.st_mtim.tv_sec;
    entry.nanoseconds = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
    entry.size = 0;
    entry.name = std::move(name);
    return entry;
  }

  void announce(Entry entry, const std::string& path) {
    entry.id = next_id_++;
    control().put(entry);
    const timespec time{static_cast<time_t>(entry.seconds), static_cast<long>(entry.nanoseconds)};
    unanswered_.add(entry.id, {path, entry.kind, entry.size == unknown ? 0 : entry.size, time});
  }

  /// Until the receiver has no more to say.
  Task<> take_answers() {
    for (;;) {
      auto message = co_await control().receive();
      if (std::holds_alternative<Finish>(message) && has_said_all_) break;
      if (const auto* const abort = std::get_if<Abort>(&message)) throw *abort;
      if (auto* const offer = std::get_if<Offer>(&message))
        unanswered_.take(std::move(*offer));
      else if (const auto* const done = std::get_if<Done>(&message))
        unanswered_.take(*done);
      else
        throw Corrupt(text("{} says what a receiver does not say", control().peer()));
    }
    unanswered_.check_end();
  }

  [[noreturn]] void throw_failure(const Abort& abort) {
    std::rethrow_exception(
        failure_of(abort.status, text("{} has given up: {}", control().peer(), abort.reason)));
  }

  EventLoop& loop_;
  VerifiedSendOptions options_;
  TransferTally& tally_;
  Unanswered unanswered_;
  SendingLanes lanes_;
  FileSending file_sending_;
  bool is_greeted_ = false, has_said_all_ = false;
  std::uint32_t next_id_ = 0;
  /// What the receiver has been told of and not been sent yet: files, and folders (without a source) to be
  /// left.
  struct Announced {
    std::uint32_t id;
    std::optional<SourceFile> source;
  };
  std::deque<Announced> announced_;
  std::vector<std::uint32_t> folders_;  // that have been entered
  std::optional<SourceTotals> totals_;
  TaskGroup counting_;  // goes first
};

}  // namespace

Task<> send_verified(Connection connection, NextConnection next, VerifiedSendOptions options,
                     TransferTally& tally) {
  SendingSession sending(co_await this_loop(), std::move(connection), std::move(next), std::move(options),
                         tally);
  co_await sending.run();
}

}  // namespace sockx
