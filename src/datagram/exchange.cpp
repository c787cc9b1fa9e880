#include "datagram/exchange.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.hpp"
#include "base/non_copyable.hpp"
#include "base/text.hpp"
#include "datagram/outbox.hpp"
#include "datagram/peers.hpp"
#include "datagram/unix_replies.hpp"
#include "flow/idle_timeout.hpp"
#include "flow/notification.hpp"
#include "flow/task_group.hpp"
#include "os/records.hpp"

namespace sockx {

namespace {

constexpr std::size_t piece_of_file = 1400;  // fits into one packet of most networks

class Exchange : NonCopyable {
 public:
  Exchange(EventLoop& loop, DatagramEnd end, ExchangeStreams streams, ExchangeOptions options,
           ExchangeTally& tally, ExchangeObserver observer)
      : loop_(loop),
        end_(loop, std::move(end)),
        streams_(streams),
        options_(std::move(options)),
        tally_(tally),
        observer_(std::move(observer)),
        reader_(end_.facts, {options_.most, 32, options_.recv_flags, end_.answers_as_addressed}),
        outbox_(
            end_.facts, end_.watch, {options_.send_flags, may_make_trains()}, tally_.sent,
            [this](int error, const OutgoingDatagram& datagram) { return handle_error(error, datagram); }),
        schedule_(options_.rate),
        reply_path_(options_.reply_address, nullptr),
        heard_(loop),
        answered_(loop),
        replies_wait_(loop) {
    const bool answers = options_.service != nullptr || options_.handler == DatagramHandler::echo ||
                         options_.handler == DatagramHandler::upper;
    if (answers) guard_.emplace(end_.local, options_.answer_rate);
    if (options_.is_client || end_.is_connected || end_.local.family() != AF_UNIX) return;
    UnixReplies::Options replies{
        options_.send_flags,
        [this](int error, const OutgoingDatagram& datagram) { return handle_error(error, datagram); },
        observer_.deaf};
    replies_.emplace(end_.facts, std::move(replies), tally_.sent, tally_.undelivered);
  }

  Task<> run() {
    return any(watch_for_idleness(options_.idle_timeout, tally_.last),
               options_.is_client ? run_client() : run_server());
  }

 private:
  Task<> run_server() {
    TaskGroup group(loop_);
    group.spawn(receive());
    if (streams_.in != nullptr) group.spawn(send_input());
    if (replies_) group.spawn(send_waiting_replies());
    if (options_.service != nullptr) {
      group.spawn(options_.service->run());
      group.spawn(send_answers());
    }
    while (!receiving_has_ended_) {
      co_await group.next_end();
    }
    if (options_.service != nullptr) {
      group.spawn(finish_service());
      while (!service_has_ended_) {
        co_await group.next_end();
      }
    }
    co_await finish_replies();
    group.throw_failure();
  }

  Task<> run_client() {
    TaskGroup group(loop_);
    group.spawn(receive());
    group.spawn(send_input());
    while (!receiving_has_ended_) {
      if (input_ended_ && has_enough_ && !is_writing_) break;
      const bool is_bounded = input_ended_ && options_.reply_timeout && !is_writing_;
      const auto deadline = is_bounded ? tally_.last + *options_.reply_timeout : never;
      if (Clock::now() >= deadline) break;
      const auto look_again = is_writing_ ? after(std::chrono::milliseconds(10)) : deadline;
      co_await group.next_end(look_again);
    }
    group.throw_failure();
    if (refusal_ && !has_enough_) std::rethrow_exception(refusal_);
    if (options_.expected && tally_.received.datagrams < *options_.expected) throw_too_few_replies();
  }

  [[noreturn]] void throw_too_few_replies() const {
    const auto limit = text("{:g} s", seconds(*options_.reply_timeout));
    const auto came = tally_.received.datagrams;
    throw TimedOut(came == 0 ? text("{}: no reply within {}", end_.facts.name, limit)
                             : text("{}: {} of {} replies came, and no other within {}", end_.facts.name,
                                    came, *options_.expected, limit));
  }

  // Replies to unix peers that have no room yet.

  Task<> send_waiting_replies() {
    for (;;) {
      while (!replies_->is_waiting()) {
        co_await replies_wait_.wait();
      }
      co_await finish_replies();
    }
  }

  /// Until all are sent or dropped.
  Task<> finish_replies() {
    while (replies_ && replies_->is_waiting()) {
      co_await loop_.sleep_until(after(std::chrono::milliseconds(1)));
      replies_->retry();
    }
  }

  void put(std::span<const std::byte> bytes, const Address& to, const Address* from) {
    if (!replies_) return outbox_.put(bytes, &to, from);
    replies_->put(bytes, to);
    if (replies_->is_waiting()) replies_wait_.notify();
  }

  // The answers of a service.

  Task<> send_answers() {
    auto& service = *options_.service;
    for (;;) {
      is_answering_ = true;
      while (!outbox_.is_full()) {
        const auto next = service.next_answer();
        if (!next) break;
        answer(next->path.to, next->path.source(), next->bytes);
      }
      co_await flush();
      is_answering_ = false;
      answered_.notify();
      co_await service.wait_for_answer();
      co_await loop_.next_turn();
    }
  }

  Task<> finish_service() {
    co_await options_.service->finish();
    while (is_answering_) {
      co_await answered_.wait();
    }
    service_has_ended_ = true;
  }

  void serve(const Datagram& datagram, std::span<const std::byte> bytes) {
    const auto& source = datagram.source;
    const bool can_be_served = end_.is_connected || can_be_answered(source);
    const auto refusal = can_be_served ? guard_->judge_source(source) : AnswerRefusal::no_address;
    if (refusal != AnswerRefusal::no) return leave_unanswered(refusal, source);
    options_.service->take(datagram, bytes);
  }

  // Receiving.

  Task<> receive() {
    while (!has_enough_ || (options_.is_client && !input_ended_ && !peeks())) {
      const auto datagrams = receive_some();
      if (!datagrams) continue;
      if (datagrams->empty()) {
        // A call that sends several datagrams may not report an error.
        if (end_.watch.is_hung_up() && take_returned_errors()) continue;
        if (refusal_) std::rethrow_exception(refusal_);
        end_.watch.forget_readable();
        co_await end_.watch.readable_or_hung_up(streams_.out.watch());
        if (streams_.out.watch().is_hung_up())
          throw Error(EPIPE, "write stdout", streams_.out.facts().origin);
        continue;
      }
      for (const auto& datagram : *datagrams) take(datagram);
      tally_.dropped = reader_.dropped();
      heard_.notify();
      if (!output_.empty()) {
        co_await write_output();
      }
      if (options_.handler != DatagramHandler::show) {
        co_await flush();
      }
      co_await loop_.next_turn();
    }
    receiving_has_ended_ = true;
  }

  /// Nothing when an error has come instead: what waits behind it is still to be received.
  std::optional<std::span<const Datagram>> receive_some() {
    const auto left = peeks() ? 1 : options_.receive_limit.value_or(UINT64_MAX) - tally_.received.datagrams;
    try {
      return reader_.receive(static_cast<std::size_t>(std::min<std::uint64_t>(left, SIZE_MAX)));
    } catch (const Error& error) {
      if (!is_of_a_datagram(error.number())) throw;
      if (!take_returned_errors()) tell({error.number(), end_.peer.value_or(end_.local)});
      return {};
    }
  }

  /// With MSG_PEEK the same datagram comes again and again.
  bool peeks() const { return (options_.recv_flags & MSG_PEEK) != 0; }

  /// What an ICMP message may say; anything else is a failure of the call.
  static bool is_of_a_datagram(int error) {
    switch (error) {
      case ECONNREFUSED:
      case EHOSTUNREACH:
      case ENETUNREACH:
      case EHOSTDOWN:
      case ENONET:
      case ENOPROTOOPT:
      case EPROTO:
      case EMSGSIZE:
      case EACCES:
        return true;
      default:
        return false;
    }
  }

  void take(const Datagram& datagram) {
    if (options_.admits && !options_.admits(datagram)) {
      for_each_of(datagram, [&](std::span<const std::byte>) { ++tally_.refused; });
      return;
    }
    tally_.last = loop_.now();
    if (streams_.in != nullptr) remember_peer(datagram);
    if (datagram.is_cut()) {
      ++tally_.cut;
      observer_.cut(datagram);
    }
    const auto head = options_.head_of_received ? options_.head_of_received(datagram.bytes) : 0;
    for_each_of(datagram, [&](std::span<const std::byte> bytes) { take_one(datagram, bytes.subspan(head)); });
    if (options_.receive_limit && tally_.received.datagrams >= *options_.receive_limit) has_enough_ = true;
    if (options_.expected && tally_.received.datagrams >= *options_.expected) has_enough_ = true;
  }

  /// For what standard input says.
  void remember_peer(const Datagram& datagram) {
    if (can_be_answered(datagram.source)) peers_.add(datagram.source, datagram.answer_source());
    if (options_.reply_to == ReplyTo::one && datagram.source == reply_path_.to)
      reply_path_.set_source(datagram.answer_source());
  }

  /// A unix socket may be without a name, and a UDP datagram without a port.
  static bool can_be_answered(const Address& source) {
    return source.family() == AF_UNIX ? source.size() > sizeof(sa_family_t) : source.port() != 0;
  }

  void answer(const Address& peer, const Address* from, std::span<const std::byte> bytes) {
    if (!end_.is_connected && !can_be_answered(peer)) return;
    const auto judgement = guard_ ? guard_->judge(peer, loop_.now()) : AnswerRefusal::no;
    if (judgement != AnswerRefusal::no)
      leave_unanswered(judgement, peer);
    else if (end_.is_connected)
      outbox_.put(bytes);
    else
      put(bytes, peer, from);
  }

  void leave_unanswered(AnswerRefusal why, const Address& source) {
    ++tally_.unanswered;
    if (std::ranges::find(told_, why) != told_.end()) return;
    told_.push_back(why);
    observer_.unanswered(why, source);
  }

  void take_one(const Datagram& datagram, std::span<const std::byte> bytes) {
    ++tally_.received.datagrams;
    tally_.received.bytes += bytes.size();
    if (options_.service != nullptr) return serve(datagram, bytes);
    switch (options_.handler) {
      case DatagramHandler::show:
        observer_.show(datagram, bytes, output_);
        break;
      case DatagramHandler::echo:
        answer(datagram.source, datagram.answer_source(), bytes);
        break;
      case DatagramHandler::upper:
        upper_.assign(bytes.begin(), bytes.end());
        for (auto& byte : upper_)
          if (byte >= std::byte{'a'} && byte <= std::byte{'z'}) byte ^= std::byte{0x20};
        answer(datagram.source, datagram.answer_source(), upper_);
        break;
      case DatagramHandler::discard:
        break;
    }
  }

  /// Received datagrams are always written, however long that takes; is_writing_ is true until then.
  Task<> write_output() {
    is_writing_ = true;
    const auto bytes = std::as_bytes(std::span(output_));
    co_await streams_.out.write_all(bytes);
    output_.clear();
    is_writing_ = false;
    tally_.last = std::max(tally_.last, Clock::now());
  }

  // Sending.

  /// Flags are for calls as the user sees them, one for each datagram.
  bool may_make_trains() const {
    return options_.send_flags == 0 && options_.is_udp && end_.local.family() != AF_UNIX;
  }

  Task<> send_input() {
    const auto framing =
        options_.framing.value_or(streams_.in->facts().is_file() ? Framing{Framing::Kind::size, piece_of_file}
                                                                 : Framing{Framing::Kind::line});
    Framer framer(framing, limit_of_a_datagram());
    std::vector<std::byte> buffer(64 * 1024);
    std::uint64_t taken = 0;
    while (taken < options_.send_limit.value_or(UINT64_MAX)) {
      std::optional<std::vector<std::byte>> record;
      std::optional<Address> destination;
      std::exception_ptr wrong;
      try {
        record = framer.take();
        if (record && options_.finish) options_.finish(*record);
        if (record && options_.destination_of) destination = options_.destination_of(*record);
      } catch (...) {
        wrong = std::current_exception();
      }
      if (wrong) {
        co_await flush();  // what came before it is complete
        std::rethrow_exception(wrong);
      }
      if (record) {
        ++taken;
        co_await send(*record, destination);
        continue;
      }
      if (framer.has_ended()) break;
      const auto got = streams_.in->read_some(buffer);
      if (got.state == IoResult::State::moved) {
        framer.put(std::span(buffer).first(got.bytes));
      } else if (got.state == IoResult::State::eof) {
        framer.end();
      } else {
        co_await flush();
        co_await streams_.in->readable();
      }
    }
    co_await flush();
    end_what_is_corked();
    input_ended_ = true;
    if (observer_.input_ended) observer_.input_ended();
    tally_.last = std::max(tally_.last, Clock::now());
  }

  RecordLimit limit_of_a_datagram() const {
    if (options_.limit) return *options_.limit;
    const auto& to = end_.peer                           ? *end_.peer
                     : options_.reply_to == ReplyTo::one ? options_.reply_address
                                                         : end_.local;
    const auto most_of_unix =
        to.family() == AF_UNIX ? std::min(longest_record(end_.facts), options_.most) : 0;
    return limit_of_datagram(to, most_of_unix);
  }

  /// `destination`: where the record itself says that it goes.
  Task<> send(const std::vector<std::byte>& record, const std::optional<Address>& destination) {
    if (corks()) {
      corked_ += record.size();  // beyond its limit the kernel would begin a new datagram without an error
      if (corked_ > longest_datagram(*end_.peer)) throw_too_large(corked_, *end_.peer);
    }
    const auto due = schedule_.next(record.size(), loop_.now());
    if (due > loop_.now()) {
      co_await flush();
      co_await loop_.sleep_until(due);
    }
    if (outbox_.is_full()) {
      co_await flush();
      co_await loop_.next_turn();
    }
    if (destination) {
      outbox_.put(record, &*destination);
    } else if (options_.is_client) {
      outbox_.put(record, end_.is_connected ? nullptr : &*end_.peer);
    } else if (options_.reply_to == ReplyTo::one) {
      put_for(reply_path_, record);
      co_await finish_replies();
    } else {
      // until there is a peer
      while (options_.reply_to == ReplyTo::last ? peers_.last() == nullptr : peers_.empty()) {
        co_await heard_.wait();
      }
      if (options_.reply_to == ReplyTo::last) put_for(*peers_.last(), record);
      if (options_.reply_to == ReplyTo::all) {
        const std::vector<AnswerPath> all(peers_.begin(),
                                          peers_.end());  // some may be removed during the wait
        for (const auto& peer : all) {
          put_for(peer, record);
          if (outbox_.is_full()) {
            co_await flush();
          }
        }
      }
      co_await finish_replies();
    }
  }

  /// The input was cut by the largest limit of all peers.
  void put_for(const AnswerPath& peer, const std::vector<std::byte>& record) {
    if (record.size() > longest_datagram(peer.to)) throw_too_large(record.size(), peer.to);
    put(record, peer.to, peer.source());
  }

  [[noreturn]] static void throw_too_large(std::size_t size, const Address& to) {
    const auto most = longest_datagram(to);
    const auto bound = most == SIZE_MAX || size <= most ? std::string("more than the way there takes")
                                                        : text("but UDP to there has room for {}", most);
    throw Error(EMSGSIZE,
                text("send {}: a datagram of {}, {}", shown_address(to), counted(size, "byte"), bound),
                Origin::local_file);
  }

  Task<> flush() {
    if (outbox_.is_empty()) co_return;
    co_await outbox_.flush();
    tally_.last = Clock::now();
  }

  bool corks() const { return (options_.send_flags & MSG_MORE) != 0 && end_.local.family() != AF_UNIX; }

  /// With MSG_MORE everything is one datagram, which goes when something comes without that flag: udp(7).
  void end_what_is_corked() {
    if (!corks() || tally_.sent.datagrams == 0) return;
    const OutgoingDatagram nothing{{}, end_.is_connected || !end_.peer ? nullptr : &*end_.peer};
    const auto outcome = send_datagrams(end_.facts, {&nothing, 1}, options_.send_flags & ~MSG_MORE);
    if (outcome.error != 0) throw Error(outcome.error, text("send {}", end_.facts.name), Origin::peer);
  }

  /// See Outbox::OnError. A listener that answers all senders skips a peer that cannot be answered.
  bool handle_error(int error, const OutgoingDatagram& datagram) {
    if (take_returned_errors()) return true;
    const auto to = datagram.to != nullptr ? *datagram.to : end_.peer.value_or(end_.local);
    const bool is_one_of_many = !options_.is_client && options_.reply_to != ReplyTo::one;
    if (is_one_of_many) {
      // This error is of an earlier datagram, whose message has been taken from the queue already: the kernel
      // sets the message and the error in two steps.
      if (error == ECONNREFUSED && to.family() != AF_UNIX) return true;
      tell({error, to});
      return false;
    }
    if (error == EMSGSIZE) throw_too_large(datagram.bytes.size(), to);
    throw Error(error, text("send {}", shown_address(to)), Origin::peer);
  }

  /// Returned errors wait in a queue of their own. A call that fails only shows that there are some. Returns
  /// whether there were.
  bool take_returned_errors() {
    if (end_.local.family() == AF_UNIX) return false;  // which has no such queue
    bool any = false;
    while (const auto returned = take_datagram_error(end_.facts)) {
      if (!returned->reporter) continue;  // this host's, of the call at hand
      any = true;
      // A router reports that packets must be smaller: the kernel makes them so from now on.
      if (returned->number != EMSGSIZE) tell(*returned);
    }
    return any;
  }

  /// For a client it is the end, after it has received the datagrams that came before.
  void tell(const DatagramError& error) {
    if (!options_.is_client) {
      peers_.remove(error.destination);
      observer_.refused(error);
      const bool is_gone = error.number == ECONNREFUSED || error.number == ENOENT;
      if (is_gone && options_.service != nullptr)
        options_.service->note_refusal(error.destination, error.to_string());
    } else if (!refusal_) {
      refusal_ = std::make_exception_ptr(Error(error.number, text("send {}", error.about()), Origin::peer));
    }
  }

  EventLoop& loop_;
  WatchedDatagramEnd end_;
  ExchangeStreams streams_;
  ExchangeOptions options_;
  ExchangeTally& tally_;
  ExchangeObserver observer_;
  DatagramReader reader_;
  Outbox outbox_;
  SendSchedule schedule_;
  Peers peers_;
  AnswerPath reply_path_;  // of ReplyTo::one
  Notification heard_, answered_, replies_wait_;
  std::optional<UnixReplies> replies_;  // of a listener
  std::optional<AnswerGuard> guard_;
  std::vector<AnswerRefusal> told_;
  std::exception_ptr refusal_;
  std::string output_;
  std::vector<std::byte> upper_;
  std::size_t corked_ = 0;  // bytes of the one datagram of MSG_MORE
  bool input_ended_ = false, has_enough_ = false, receiving_has_ended_ = false, is_writing_ = false;
  bool is_answering_ = false, service_has_ended_ = false;
};

}  // namespace

RecordLimit limit_of_datagram(const Address& to, std::size_t most_of_unix) {
  if (to.family() == AF_UNIX) return {most_of_unix, "a datagram", "the socket takes at most"};
  const auto most = longest_datagram(to);
  const bool is_ipv6 = most == longest_datagram(Address::any(AF_INET6, 0));
  return {most, "a datagram", text("UDP over {} has room for", is_ipv6 ? "IPv6" : "IPv4")};
}

Task<> exchange(DatagramEnd end, ExchangeStreams streams, ExchangeOptions options, ExchangeTally& tally,
                ExchangeObserver observer) {
  Exchange running(co_await this_loop(), std::move(end), streams, std::move(options), tally,
                   std::move(observer));
  co_await running.run();
}

}  // namespace sockx
