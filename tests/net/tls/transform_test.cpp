// Bytes through TLS: whole, in any order of ends, and what a broken connection looks like.
#include <doctest/doctest.h>
#include <malloc.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "../../support/far_ends.hpp"
#include "../../support/thrown.hpp"
#include "../../support/tls_ends.hpp"
#include "base/error.hpp"
#include "flow/cut_unless_complete.hpp"
#include "flow/relay.hpp"
#include "flow/run_pump.hpp"
#include "net/tls/tls_transform.hpp"
#include "os/calls.hpp"
#include "os/observer.hpp"

using namespace sockx;
using namespace test;
using namespace std::chrono_literals;

namespace {

using State = IoResult::State;

std::span<const std::byte> as_bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TlsOptions insecure_options() {
  TlsOptions options;
  options.is_insecure = true;
  return options;
}

/// Two ends that have shaken hands.
struct Secured : TlsEnds {
  explicit Secured(const TlsOptions& options = insecure_options(), SocketEnds sockets = tcp_pair())
      : TlsEnds(std::move(sockets)) {
    static const auto server_context = context(server_options());
    shake(context(options), server_context);
    REQUIRE(client_failure.message == "");
    REQUIRE(server_failure.message == "");
  }
  Stream& ours() { return client.stream; }
  Stream& theirs() { return server.stream; }
};

Task<> say(Stream& to, const std::string& words) {
  co_await to.write_all(as_bytes_of(words));
  co_await to.finish_writing();
}

Task<> hear(Stream& from, std::string& words, std::size_t most = std::string::npos,
            std::size_t piece = 65536) {
  std::vector<std::byte> buffer(piece);
  while (words.size() < most) {
    const auto got = from.read_some(std::span(buffer).first(std::min(piece, most - words.size())));
    words.append(reinterpret_cast<const char*>(buffer.data()), got.bytes);
    if (got.state == State::eof) break;
    if (got.state == State::again) {
      co_await from.readable();
    }
  }
}

/// What a read at once throws, as the user sees it.
Failure failure_of_read(Secured& ends, Stream& from) {
  std::string words;
  const auto wait = [](Stream& stream, std::string& heard) -> Task<> { co_await hear(stream, heard); };
  return seen(ends.loop.run(outcome_of(wait(from, words))));
}

/// Passes bytes on from one socket to another, at most `piece` at a time.
Task<> pass(FarEnd& from, FarEnd& to, std::size_t piece) {
  std::vector<char> buffer(piece);
  for (;;) {
    const auto got = read(from.fd.get(), buffer.data(), piece);
    if (got == 0) break;
    if (got > 0) {
      co_await test::write_all(to, {buffer.data(), static_cast<std::size_t>(got)});
      continue;
    }
    from.watch.forget_readable();
    co_await from.watch.readable();
  }
  shutdown(to.fd.get(), SHUT_WR);
}

/// A client and a server with somebody between them.
struct Tapped {
  explicit Tapped(const TlsOptions& options, std::size_t piece_size = 65536)
      : Tapped(options, piece_size, tcp_pair(), tcp_pair()) {}

  Task<> shaken() {
    auto both = all(TlsEnds::note(start_tls(client_context), client, after(30s), client_failure),
                    TlsEnds::note(start_tls(server_context), server, after(30s), server_failure));
    co_await any(std::move(both), passing_both());
  }
  Task<> passing_both() {
    return all(pass(near_client, near_server, piece), pass(near_server, near_client, piece));
  }

  EventLoop loop;
  std::shared_ptr<TlsContext> client_context, server_context = context(server_options());
  std::size_t piece;
  Connection client, server;
  FarEnd near_client, near_server;
  Failure client_failure, server_failure;

 private:
  Tapped(const TlsOptions& options, std::size_t piece_size, SocketEnds left, SocketEnds right)
      : client_context(context(options)),
        piece(piece_size),
        client(connection(loop, std::move(left.ours), "the server")),
        server(connection(loop, std::move(right.ours), "the client")),
        near_client(loop, std::move(left.theirs)),
        near_server(loop, std::move(right.theirs)) {
    signal(SIGPIPE, SIG_IGN);
  }
};

/// A peer made of OpenSSL alone, for what no end of ours does.
class BarePeer {
 public:
  BarePeer(bool is_server, UniqueFd socket)
      : fd_(std::move(socket)), context_(context(is_server ? server_options() : insecure_options())) {
    ssl_.reset(o_.SSL_new(context_->current().get()));
    in_ = o_.BIO_new(o_.BIO_s_mem());
    out_ = o_.BIO_new(o_.BIO_s_mem());
    o_.SSL_set_bio(ssl_.get(), in_, out_);
    const Library ssl("libssl.so.3", "a test"), crypto("libcrypto.so.3", "a test");
    ssl.find("SSL_key_update", key_update_);
    crypto.find("BIO_read", bio_read_);
    crypto.find("BIO_write", bio_write_);
    state_.belong_to(ssl_.get());
    (is_server ? o_.SSL_set_accept_state : o_.SSL_set_connect_state)(ssl_.get());
  }

  Task<> shake() {
    auto& loop = co_await this_loop();
    while (o_.SSL_do_handshake(ssl_.get()) != 1) {
      send_out();
      co_await loop.next_turn();
      take_in();
    }
    send_out();
  }
  /// Key updates into memory, which send_out() puts on the wire.
  void ask_for_keys() {
    REQUIRE(key_update_(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
    o_.SSL_do_handshake(ssl_.get());
  }
  /// By a client of TLS 1.2: whether the server takes it.
  bool renegotiate() {
    const Library ssl("libssl.so.3", "a test");
    decltype(&SSL_renegotiate) begin = nullptr;
    decltype(&SSL_clear_options) clear = nullptr;
    ssl.find("SSL_renegotiate", begin);
    ssl.find("SSL_clear_options", clear);
    clear(ssl_.get(), SSL_OP_NO_RENEGOTIATION);
    begin(ssl_.get());
    o_.SSL_do_handshake(ssl_.get());
    send_out();
    return o_.ERR_peek_error() == 0;
  }
  int fd() const { return fd_.get(); }
  void use_tls12() { o_.SSL_ctrl(ssl_.get(), SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, nullptr); }
  void take_in() {
    const auto bytes = read_available(fd_.get());
    bio_write_(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  void send_out() {
    std::array<char, 65536> buffer;
    int size = 0;
    while ((size = bio_read_(out_, buffer.data(), static_cast<int>(buffer.size()))) > 0)
      put(fd_.get(), {buffer.data(), static_cast<std::size_t>(size)});
  }
  std::string read_plain() {
    take_in();
    std::string words(1000, '\0');
    std::size_t got = 0;
    o_.SSL_read_ex(ssl_.get(), words.data(), words.size(), &got);
    words.resize(got);
    return words;
  }
  void write_plain(const std::string& words) {
    std::size_t put_bytes = 0;
    REQUIRE(o_.SSL_write_ex(ssl_.get(), words.data(), words.size(), &put_bytes) == 1);
    send_out();
  }

 private:
  const OpenSsl& o_ = OpenSsl::get();
  UniqueFd fd_;
  std::shared_ptr<TlsContext> context_;
  HandshakeState state_{context_->options()};
  OwnedBy<SSL, &OpenSsl::SSL_free> ssl_;
  BIO *in_ = nullptr, *out_ = nullptr;
  decltype(&SSL_key_update) key_update_ = nullptr;
  decltype(&BIO_read) bio_read_ = nullptr;
  decltype(&BIO_write) bio_write_ = nullptr;
};

}  // namespace

TEST_CASE("tls transform: any number of bytes goes both ways at once") {
  for (const std::size_t size : {0, 1, 16384, 16385, 65536, 5 * 1024 * 1024 + 3}) {
    CAPTURE(size);
    Secured ends;
    const auto question = noise(size, 1), answer = noise(size, 2);
    std::string heard_there, heard_here;
    ends.loop.run(all(all(say(ends.ours(), question), hear(ends.theirs(), heard_there)),
                      all(say(ends.theirs(), answer), hear(ends.ours(), heard_here))));
    CHECK(difference(heard_there, question) == "");
    CHECK(difference(heard_here, answer) == "");
    CHECK(ends.loop.run(ends.ours().wait_until_acknowledged(never)));
    CHECK(ends.loop.run(ends.theirs().wait_until_acknowledged(never)));
  }
}

TEST_CASE("tls transform: it works over a unix socket and with small reads") {
  Secured ends(insecure_options(), unix_pair());
  const auto question = noise(300'000);
  std::string heard;
  ends.loop.run(all(say(ends.ours(), question), hear(ends.theirs(), heard, std::string::npos, 999)));
  CHECK(difference(heard, question) == "");
}

TEST_CASE("tls transform: either end may be the first to end, and still hears the other") {
  for (const bool client_first : {true, false}) {
    CAPTURE(client_first);
    Secured ends;
    auto& first = client_first ? ends.ours() : ends.theirs();
    auto& second = client_first ? ends.theirs() : ends.ours();
    std::string heard;
    ends.loop.run(all(say(first, "the end"), hear(second, heard)));
    CHECK(heard == "the end");
    const auto answer = noise(1'000'000);
    heard.clear();
    ends.loop.run(all(say(second, answer), hear(first, heard)));
    CHECK(difference(heard, answer) == "");
  }
}

TEST_CASE("tls transform: a relay carries a conversation from a plain connection into TLS") {
  for (const bool left_first : {true, false}) {
    CAPTURE(left_first);
    Secured ends;
    auto pair = tcp_pair();
    Stream left(ends.loop, std::move(pair.ours), "left", Origin::peer);
    FarEnd far(ends.loop, std::move(pair.theirs));
    const auto words = noise(3'000'000, 3), answer = noise(2'000'000, 4);
    std::string heard_far, heard_server;
    const auto speak_far = [&]() -> Task<> {
      if (!left_first) {
        co_await read_to_end(far, heard_far);
      }
      co_await test::write_all(far, words);
      shutdown(far.fd.get(), SHUT_WR);
      if (left_first) {
        co_await read_to_end(far, heard_far);
      }
    };
    const auto speak_server = [&]() -> Task<> {
      if (left_first) {
        co_await hear(ends.theirs(), heard_server);
      }
      co_await say(ends.theirs(), answer);
      if (!left_first) {
        co_await hear(ends.theirs(), heard_server);
      }
    };
    Tally tally;
    const auto carry = [&]() -> Task<> {
      CutUnlessComplete left_cut(left.facts().fd), right_cut(ends.ours().facts().fd);
      Duplex first{left, left, &left_cut}, second{ends.ours(), ends.ours(), &right_cut};
      co_await relay(std::move(first), std::move(second), {}, tally, [](const RelayEvent&) {});
    };
    ends.loop.run(all(carry(), all(speak_far(), speak_server())));
    CHECK(difference(heard_server, words) == "");
    CHECK(difference(heard_far, answer) == "");
    CHECK(tally.sent == words.size());
    CHECK(tally.received == answer.size());
  }
}

TEST_CASE("tls transform: a pump does not wait for records that have been read from the kernel already") {
  Secured ends;
  std::string words;
  for (int i = 0; i < 3; ++i) {  // three records in one segment
    const auto record = noise(16384, 5 + static_cast<unsigned>(i));
    words += record;
    ends.theirs().write_some(as_bytes_of(record));
  }
  CHECK(ends.theirs().flush_some());
  auto pipe = make_pipe_ends();
  Stream sink(ends.loop, std::move(pipe.write), "sink", Origin::local_file);
  FarEnd far(ends.loop, std::move(pipe.read));
  std::string heard;
  Pump pump(ends.ours(), sink, {.chunk = 1000});
  ends.loop.run(any(run_pump(pump), read_until(far, heard, words.size())));
  CHECK(difference(heard, words) == "");
}

TEST_CASE("tls transform: bytes that come one by one are the same bytes") {
  Tapped ends(insecure_options(), 1);
  ends.loop.run(ends.shaken());
  REQUIRE(ends.client_failure.message == "");
  const auto words = noise(2000);
  std::string heard;
  const auto talk = [&]() -> Task<> {
    co_await all(say(ends.client.stream, words), hear(ends.server.stream, heard));
    co_await say(ends.server.stream, words);
    heard.clear();
    co_await hear(ends.client.stream, heard);
  };
  ends.loop.run(any(talk(), ends.passing_both()));
  CHECK(difference(heard, words) == "");
}

TEST_CASE("tls transform: a connection that is cut at any byte of its last record is not taken for whole") {
  std::size_t size = 0;
  for (std::size_t cut = 0; cut == 0 || cut <= size; ++cut) {
    CAPTURE(cut);
    for (const bool is_lenient : {false, true}) {
      CAPTURE(is_lenient);
      auto options = insecure_options();
      options.is_eof_lenient = is_lenient;
      Tapped ends(options);
      ends.loop.run(ends.shaken());
      std::string wire, heard;
      const auto collect = [&]() -> Task<> {
        co_await say(ends.server.stream, "words");
        co_await read_to_end(ends.near_server, wire);
      };
      ends.loop.run(collect());
      const std::size_t record = 5 + 5 + 1 + 16, end = 5 + 2 + 1 + 16;
      size = wire.size();
      REQUIRE(size == record + end);
      put(ends.near_client.fd.get(), wire.substr(0, cut));
      shutdown(ends.near_client.fd.get(), SHUT_WR);
      const auto failure = seen(ends.loop.run(outcome_of(hear(ends.client.stream, heard))));
      CHECK(heard == (cut >= record ? "words" : ""));
      const bool is_between = cut == 0 || cut == record;
      const bool is_end = cut == size || (is_lenient && is_between);
      CHECK(failure.status == (is_end ? ExitCode::done : ExitCode::tls));
      if (!is_end)
        CHECK(
            failure.message.starts_with("TLS the server: the connection has ended without close_notify, so "
                                        "bytes may be missing; presented sha256//"));
    }
  }
}

TEST_CASE("tls transform: a lenient end may still be answered") {
  auto options = insecure_options();
  options.is_eof_lenient = true;
  Secured ends(options);
  shutdown(ends.theirs().facts().fd, SHUT_WR);
  std::string heard;
  ends.loop.run(hear(ends.ours(), heard));
  ends.loop.run(all(say(ends.ours(), "answer"), hear(ends.theirs(), heard)));
  CHECK(heard == "answer");
}

TEST_CASE("tls transform: a reset is a reset, and a changed record is a failure of TLS") {
  Secured ends;
  ends.theirs().write_some(as_bytes_of("unsent"));
  set_reset_on_close(ends.theirs().facts().fd, true);
  ends.theirs().close();
  CHECK(failure_of_read(ends, ends.ours()).status == ExitCode::reset_by_peer);

  Tapped tapped(insecure_options());
  tapped.loop.run(tapped.shaken());
  std::string wire, heard;
  const auto collect = [&]() -> Task<> {
    co_await say(tapped.server.stream, "words");
    co_await read_to_end(tapped.near_server, wire);
  };
  tapped.loop.run(collect());
  wire[8] = static_cast<char>(wire[8] ^ 1);
  put(tapped.near_client.fd.get(), wire);
  const auto failure = seen(tapped.loop.run(outcome_of(hear(tapped.client.stream, heard))));
  CHECK(failure.status == ExitCode::tls);
  CHECK(failure.message.starts_with(
      "TLS the server: the connection failed: decryption failed or bad record mac; presented sha256//"));
  CHECK(heard == "");
  CHECK_THROWS_AS(tapped.client.stream.write_some(as_bytes_of("more")), TlsError);
}

TEST_CASE("tls transform: an alert in the middle of the stream is said by name, behind what came before") {
  Tapped tapped(insecure_options());
  tapped.loop.run(tapped.shaken());
  std::string heard;
  const auto alarm = [&]() -> Task<> {
    co_await tapped.server.stream.write_all(as_bytes_of("words"));
    put(tapped.near_server.fd.get(), "\x17\x03\x03" + std::string(1, '\0') + "\x20" + std::string(32, 'x'));
    std::string nothing;
    auto meeting = hear(tapped.server.stream, nothing);  // a record that is none
    co_await outcome_of(std::move(meeting));
  };
  const auto pass_on = [&]() -> Task<> { co_await pass(tapped.near_server, tapped.near_client, 65536); };
  const auto listen = [&](Failure& failure) -> Task<> {
    auto hearing = hear(tapped.client.stream, heard);
    const auto thrown = co_await outcome_of(std::move(hearing));
    failure = seen(thrown);
  };
  Failure failure;
  tapped.loop.run(any(listen(failure), all(alarm(), pass_on())));
  CHECK(heard == "words");
  CHECK(failure.status == ExitCode::tls);
  CHECK(failure.message.starts_with(
      "TLS the server: the peer has ended it with the alert 'bad record mac'; presented sha256//"));
}

TEST_CASE("tls transform: once both ends have been said, a reset is no failure") {
  for (const bool client_first : {true, false}) {
    CAPTURE(client_first);
    Secured ends;
    std::string heard;
    if (client_first) ends.loop.run(say(ends.ours(), "a question that is not read"));
    ends.loop.run(say(ends.theirs(), "the answer"));
    set_reset_on_close(ends.theirs().facts().fd, !client_first);
    ends.loop.run(hear(ends.ours(), heard));
    ends.theirs().close();  // a reset: there is something that has not been read
    CHECK(heard == "the answer");
    if (!client_first) {
      const auto failure = seen(ends.loop.run(outcome_of(ends.ours().finish_writing())));
      CHECK(failure.status == ExitCode::reset_by_peer);  // before our end, which might have lost bytes
      continue;
    }
    CHECK(ends.loop.run(ends.ours().wait_until_acknowledged(never)));
    CHECK(ends.loop.run(ends.ours().drain(never)));
    ends.loop.run(ends.ours().finish_writing());
  }
}

TEST_CASE("tls transform: a reset that writing has met is no end for the reader, strict or lenient") {
  for (const bool is_lenient : {false, true}) {
    CAPTURE(is_lenient);
    auto options = insecure_options();
    options.is_eof_lenient = is_lenient;
    Secured ends(options);
    set_reset_on_close(ends.theirs().facts().fd, true);
    ends.theirs().close();
    ends.ours().write_some(as_bytes_of("words"));
    CHECK_THROWS_AS(ends.ours().flush_some(), Error);  // the kernel tells it once
    CHECK(failure_of_read(ends, ends.ours()).status == ExitCode::reset_by_peer);
  }
}

TEST_CASE("tls transform: a reset is a failure where both ends have been said, but bytes are lost") {
  for (const bool forgets : {false, true}) {
    CAPTURE(forgets);
    Secured ends;
    const int ours = ends.ours().facts().fd, much = 200'000;
    REQUIRE(setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &much, sizeof much) == 0);
    std::string heard;
    ends.loop.run(say(ends.theirs(), "the answer"));
    ends.loop.run(hear(ends.ours(), heard));
    ends.loop.run(say(ends.ours(), noise(150'000)));  // more than the peer's kernel takes
    REQUIRE(unacknowledged(ends.ours().facts()).value_or(0) > 0);
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    if (forgets) {  // the kernel has no count of what was acknowledged any more
      REQUIRE(connect(ours, &nobody, sizeof nobody) == 0);
    } else {
      set_reset_on_close(ends.theirs().facts().fd, true);
      ends.theirs().close();
    }
    const auto wait = [](Stream& stream) -> Task<> { co_await stream.wait_until_acknowledged(never); };
    CHECK(seen(ends.loop.run(outcome_of(wait(ends.ours())))).status == ExitCode::reset_by_peer);
  }
}

TEST_CASE("tls transform: a peer that closes when it has said its end does not make ours a failure") {
  for (int i = 0; i < 20; ++i) {
    Secured ends;
    std::string heard;
    ends.loop.run(say(ends.theirs(), "the answer"));
    ends.loop.run(hear(ends.ours(), heard));
    ends.theirs().close();
    ends.loop.run(ends.ours().finish_writing());  // its close_notify is answered by a reset
    CHECK(ends.loop.run(ends.ours().wait_until_acknowledged(never)));
  }
}

TEST_CASE("tls transform: dropping a stream writes nothing, not even what it holds") {
  Secured ends;
  ends.ours().write_some(as_bytes_of("held"));
  CHECK(ends.ours().is_holding());
  ends.ours().close();
  CHECK(read_available(ends.theirs().facts().fd) == "");
  CHECK(failure_of_read(ends, ends.theirs()).status == ExitCode::tls);
}

TEST_CASE("tls transform: many small writes go out by few sends") {
  Secured ends;
  unsigned sends = 0;
  const CallObserver count = [&](const ObservedCall& call) { sends += call.name == "send" ? 1 : 0; };
  set_call_observer(&count);
  const auto piece = noise(1000);
  for (int i = 0; i < 200; ++i) CHECK(ends.ours().write_some(as_bytes_of(piece)).bytes == piece.size());
  CHECK(sends == 0);
  CHECK(ends.ours().flush_some());
  set_call_observer(nullptr);
  CHECK(sends == 1);
}

TEST_CASE("tls transform: a full socket takes no plain text until all that is held has gone") {
  Secured ends;
  const auto piece = noise(65536);
  std::size_t written = 0;
  for (auto put = ends.ours().write_some(as_bytes_of(piece)); put.state == State::moved;
       put = ends.ours().write_some(as_bytes_of(piece)))
    written += put.bytes;
  CHECK(ends.ours().is_holding());
  CHECK_FALSE(ends.ours().flush_some());
  CHECK(ends.ours().write_some(as_bytes_of("more")).state == State::again);
  std::string heard;
  const auto finish = [&]() -> Task<> { co_await ends.ours().finish_writing(); };
  ends.loop.run(all(finish(), hear(ends.theirs(), heard)));
  CHECK(heard.size() == written);
}

TEST_CASE("tls transform: a client learns by reading that the server demands a certificate") {
  Authority authority("the authority");
  auto server = server_options(authority.sign());
  server.ca = authority.file();
  server.min_version = TlsOptions::Version::tls13;
  TlsEnds ends;
  ends.shake(context(client_options(authority.file())), context(server));
  CHECK(ends.client_failure.message == "");
  CHECK(ends.server_failure.status == ExitCode::tls);
  const auto failure = seen(ends.loop.run(
      outcome_of([](Stream& stream) -> Task<> { co_await stream.drain(never); }(ends.client.stream))));
  CHECK(failure.message ==
        "TLS server:443: the peer has ended it with the alert 'certificate required'; presented " +
            ends.client.tls->peer.pin);
}

TEST_CASE("tls transform: a key update is answered, and a flood of them ends the connection") {
  for (const int updates : {1, 50, 4000}) {
    CAPTURE(updates);
    auto pair = tcp_pair();
    EventLoop loop;
    auto client = connection(loop, std::move(pair.ours), "the server");
    BarePeer peer(true, std::move(pair.theirs));
    Failure failure;
    loop.run(all(TlsEnds::note(start_tls(context(insecure_options())), client, after(30s), failure),
                 peer.shake()));
    REQUIRE(failure.message == "");
    for (int i = 0; i < updates; ++i) {
      peer.ask_for_keys();
    }
    peer.send_out();
    if (updates < 1000) peer.write_plain("words");
    std::string heard;
    const auto end = seen(loop.run(outcome_of(hear(client.stream, heard, 5))));
    if (updates < 1000) {
      CHECK(heard == "words");
      loop.run(client.stream.write_all(as_bytes_of("with the new keys")));
      CHECK(peer.read_plain() == "with the new keys");
    } else {
      CHECK(end.status == ExitCode::tls);
      CHECK(end.message.starts_with("TLS the server: the peer floods the connection with key updates"));
    }
  }
}

TEST_CASE("tls transform: a client cannot renegotiate, and is served on") {
  auto pair = tcp_pair();
  EventLoop loop;
  auto server = connection(loop, std::move(pair.ours), "the client");
  BarePeer peer(false, std::move(pair.theirs));
  peer.use_tls12();
  Failure failure;
  loop.run(
      all(TlsEnds::note(start_tls(context(server_options())), server, after(30s), failure), peer.shake()));
  REQUIRE(failure.message == "");
  CHECK(server.tls->version == "TLSv1.2");
  CHECK(peer.renegotiate());
  CHECK(server.stream.look_ahead().state == State::again);
  loop.run(server.stream.write_all(as_bytes_of("words")));
  const auto wire = read_available(peer.fd());
  CHECK(wire.substr(0, 1) == "\x15");  // an alert: no_renegotiation
  CHECK(wire.substr(wire.size() - 5 - 8 - 16 - 5, 1) == "\x17");
}

TEST_CASE("tls transform: a server sends nothing behind the handshake that nobody might read") {
  Secured ends;
  CHECK(read_available(ends.ours().facts().fd) == "");
}

TEST_CASE("tls transform: an idle connection keeps little memory") {
  constexpr int count = 100;
  const auto client_context = context(insecure_options()), server_context = context(server_options());
  EventLoop loop;
  loop.scratch();
  std::deque<Connection> connections;
  const auto connect = [&]() -> Task<> {
    auto pair = tcp_pair();
    auto& here = connections.emplace_back(connection(loop, std::move(pair.ours)));
    auto& there = connections.emplace_back(connection(loop, std::move(pair.theirs)));
    const auto from_client = start_tls(client_context), from_server = start_tls(server_context);
    co_await all(from_client(here, never), from_server(there, never));
    const auto words = noise(200'000);
    std::string heard;
    co_await all(here.stream.write_all(as_bytes_of(words)), hear(there.stream, heard, words.size()));
    CHECK(there.stream.look_ahead().state == State::again);
  };
  loop.run(connect());
  const auto before = mallinfo2().uordblks;
  for (int i = 0; i < count; ++i) loop.run(connect());
  const auto each = (mallinfo2().uordblks - before) / count;
  INFO("bytes for the client and the server of an idle connection: ", each);
  CHECK(each < 100'000);
}
