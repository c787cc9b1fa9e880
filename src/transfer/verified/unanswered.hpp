// Unanswered: what a sender has announced, until the receiver has spoken its last word on it.
#pragma once

#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "flow/notification.hpp"
#include "os/error.hpp"
#include "transfer/verified/channel.hpp"
#include "transfer/verified/tally.hpp"
#include "transfer/verified/wire.hpp"

namespace sockx {

/// Counts the files in the tally, and tells what becomes of each.
class Unanswered {
 public:
  struct Announced {
    std::string path;
    EntryKind kind = EntryKind::file;
    std::uint64_t size = 0;  // bytes
    timespec time{};         // of the last modification
  };

  /// `receiver` is its name, for messages.
  Unanswered(EventLoop& loop, std::string receiver, std::function<void(const FileEvent&)> tell,
             TransferTally& tally);

  void add(std::uint32_t id, Announced entry);
  bool contains(std::uint32_t id) const { return entries_.contains(id); }
  std::size_t size() const { return entries_.size(); }
  /// Of what had no size when it was announced; in bytes.
  void note_size(std::uint32_t id, std::uint64_t size);

  /// What the receiver says: the first word on a file, or the last on any entry. On one that is not among
  /// these any more an offer comes too late to matter. Throws Corrupt for what no receiver says.
  void take(Offer offer);
  void take(const Done& done);
  /// The first word on a file, once it is there; the next one will be the last.
  std::optional<Offer> first_word(std::uint32_t id);
  /// By this offer the receiver does not need the file, or does not take it. Throws Corrupt for another.
  void settle(const Offer& offer);
  /// The file cannot be sent whole. Nothing when the receiver has spoken its last word before.
  void fail(std::uint32_t id, std::exception_ptr failure);
  /// The same with what has not been announced.
  void fail(const std::string& path, std::exception_ptr failure);
  /// What cannot be sent, like a fifo in a folder; the transfer fails then, too. `why`: "is a fifo".
  void leave_out(const std::string& path, const std::string& why);
  /// Throws Corrupt when there is one that the receiver has not spoken its last word on.
  void check_end() const;

  /// Sends what is in line; or, when nothing is, waits for the receiver to say something. That may have
  /// happened while the rest was sent: who calls this looks for it between two calls.
  Task<> send_or_wait(Channel& control);
  /// Until the receiver has spoken its last word on the entry.
  Task<> wait_for_end_of(std::uint32_t id);

 private:
  struct Entry : Announced {
    std::optional<Offer> offer = {};  // the first word, until somebody has looked at it
    bool expects_last_word = false;
  };
  void tell_failure(const std::string& path, std::exception_ptr failure);
  Corrupt misfit(const Entry& entry) const;

  std::string receiver_;
  std::function<void(const FileEvent&)> tell_;
  TransferTally& tally_;
  std::unordered_map<std::uint32_t, Entry> entries_;
  Notification answered_;
};

/// Of a file that is not any more what it was when it was announced.
std::exception_ptr changed_while_sent(const std::string& path);

}  // namespace sockx
