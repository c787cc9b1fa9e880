// What the receiver is told of: files, directories and links, in the order of the walk.
#include "base/error.hpp"
#include "base/text.hpp"
#include "transfer/verified/sending_session.hpp"

namespace sockx {

namespace {

constexpr std::size_t announced_ahead = 64;  // entries
constexpr std::size_t most_unanswered = 4096;

Entry entry_of(EntryKind kind, const struct stat& status, std::string name) {
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

/// The next transfer can send it.
std::exception_ptr not_sent(const std::string& path, const std::string& why) {
  return std::make_exception_ptr(Incomplete(text("{} {}, and is not sent", path, why)));
}

}  // namespace

/// Announces some entries ahead, so that the answers need not be waited for one by one.
Task<> SendingSession::send_everything() {
  tally_.phase = TransferTally::Phase::moving;
  SourceWalk walk(options_.paths, listener(), budget());
  bool has_more = true;
  while (has_more || !pending_.empty()) {
    while (has_more && pending_.size() < announced_ahead && control().unsent() <= enough_in_line) {
      const auto step = co_await walk.next();
      has_more = step.has_value();
      if (step) announce(*step);
    }
    co_await send_next();
    if (control().unsent() > enough_in_line) {
      co_await control().flush();
    }
    while (unanswered_.size() > most_unanswered) {
      co_await send_or_wait();
    }
  }
  has_sent_all_ = true;
  control().put(Finish());
  co_await control().flush();
}

Task<> SendingSession::send_next() {
  if (pending_.empty()) co_return;
  auto next = std::move(pending_.front());
  pending_.pop_front();
  if (next.source) {
    co_await send_file(next.id, *next.source);
  } else {
    control().put(End{next.id, 0, 0});
  }
}

SourceWalk::Listener SendingSession::listener() {
  return {
      [this](const std::string& path, const std::string& why) {
        options_.tell({FileEvent::Kind::left_out, path, 0, why});
      },
      [this](const std::string& path, const std::string& why) { leave_out(path, why); },
      [this](const std::string& path, int error) {
        fail(path, std::make_exception_ptr(Error(error, text("open {}", path), Origin::local_file)));
      },
  };
}

void SendingSession::announce(const SourceStep& step) {
  struct stat status {};
  switch (step.kind) {
    case SourceStep::Kind::leave:
      pending_.push_back({directories_.back(), std::nullopt});
      directories_.pop_back();
      return;
    case SourceStep::Kind::enter:
      if (stat(step.path.c_str(), &status) != 0) status = {};
      directories_.push_back(next_id_);
      return announce(entry_of(EntryKind::directory, status, step.name), step.path);
    case SourceStep::Kind::link:
      return announce_link(step);
    case SourceStep::Kind::file:
      return announce_file(step);
  }
}

void SendingSession::announce_file(const SourceStep& step) {
  try {
    SourceFile source(step.path, step.is_named);
    if (const auto mode = source.status().st_mode; !step.is_named && !S_ISREG(mode))
      return leave_out(step.path, kind_in_words(mode));  // it has been replaced since the walk saw it
    auto entry =
        entry_of(EntryKind::file, source.status(), options_.name.empty() ? step.name : options_.name);
    entry.size = source.has_size() ? source.size() : unknown;
    pending_.push_back({next_id_, std::move(source)});
    announce(std::move(entry), step.path);
  } catch (const Error& error) {
    const bool is_link_now = error.number() == ELOOP && !step.is_named;
    fail(step.path, is_link_now ? not_sent(step.path, kind_in_words(S_IFLNK)) : std::current_exception());
  }
}

void SendingSession::announce_link(const SourceStep& step) {
  struct stat status {};
  if (lstat(step.path.c_str(), &status) != 0) status = {};
  if (hello_.version < version_with_links)
    return fail(step.path,
                not_sent(step.path, "is a symbolic link that was not there when the transfer began"));
  auto entry = entry_of(EntryKind::link, status, step.name);
  entry.target = step.target;
  announce(std::move(entry), step.path);
}

void SendingSession::announce(Entry entry, const std::string& path) {
  entry.id = next_id_++;
  control().put(entry);
  const timespec time{static_cast<time_t>(entry.seconds), static_cast<long>(entry.nanoseconds)};
  unanswered_.emplace(entry.id,
                      AnnouncedEntry{path, entry.kind, entry.size == unknown ? 0 : entry.size, time});
}

/// For what cannot be sent, like a FIFO in a directory: the transfer fails. `why`: "is a fifo".
void SendingSession::leave_out(const std::string& path, const std::string& why) {
  ++tally_.files_left_out;
  tell_failure(path, not_sent(path, why));
}

}  // namespace sockx
