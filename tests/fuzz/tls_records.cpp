// The record side of TLS: whatever a peer's transcript has become on its way, what the transform gives is a
// beginning of what the peer has said, and an end only behind all of it. A handshake that comes to its end
// has verified the peer. The same input is the same transcript, because OpenSSL's random numbers are a
// sequence.
#include <sys/socket.h>

#include <array>
#include <memory>

#include "net/tls/certificate.hpp"
#include "net/tls/tls_transform.hpp"
#include "os/calls.hpp"
#include "os/descriptor.hpp"
#include "os/library.hpp"
#include "os/unique_fd.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

using State = IoResult::State;

// Random numbers, which begin anew with each input.
std::uint64_t random_state = 0;

int next_random(unsigned char* bytes, int size) {
  for (int i = 0; i < size; ++i) {
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    bytes[i] = static_cast<unsigned char>(random_state >> 56U);
  }
  return 1;
}

/// What the library has and OpenSsl has no use for.
struct More {
  decltype(&SSL_key_update) key_update = nullptr;
  decltype(&BIO_read) bio_read = nullptr;
  decltype(&BIO_write) bio_write = nullptr;

  static const More& get() {
    static const More more;
    return more;
  }

 private:
  More() {
    OpenSsl::get();
    const Library ssl("libssl.so.3", "a test"), crypto("libcrypto.so.3", "a test");
    ssl.find("SSL_key_update", key_update);
    crypto.find("BIO_read", bio_read);
    crypto.find("BIO_write", bio_write);
    static const RAND_METHOD sequence{nullptr, next_random, nullptr, nullptr, next_random, [] { return 1; }};
    int (*use)(const RAND_METHOD*) = nullptr;
    crypto.find("RAND_set_rand_method", use);
    use(&sequence);
  }
};

std::shared_ptr<const TlsContext> server_context() {
  static const auto made = [] {
    TlsOptions options;
    options.role = TlsOptions::Role::server;
    return std::make_shared<const TlsContext>(options);
  }();
  return made;
}

std::shared_ptr<const TlsContext> client_context(bool is_eof_lenient) {
  const auto make = [](bool is_lenient) {
    TlsOptions options;
    options.pins = {server_context()->pin()};
    options.is_eof_lenient = is_lenient;
    return std::make_shared<const TlsContext>(options);
  };
  static const auto strict = make(false), lenient = make(true);
  return is_eof_lenient ? lenient : strict;
}

struct Plan {
  bool is_server = false, is_tls12 = false, is_lenient = false,
       updates_keys = false;  // we; both; we; the peer
  std::string words;
};

/// The peer, made of OpenSSL alone, which does nothing wrong.
class BarePeer {
 public:
  explicit BarePeer(const Plan& plan)
      : plan_(plan), context_(plan.is_server ? client_context(false) : server_context()) {
    ssl_.reset(o_.SSL_new(context_->current().get()));
    in_ = o_.BIO_new(o_.BIO_s_mem());
    out_ = o_.BIO_new(o_.BIO_s_mem());
    o_.SSL_set_bio(ssl_.get(), in_, out_);
    state_.belong_to(ssl_.get());
    if (plan.is_tls12) o_.SSL_ctrl(ssl_.get(), SSL_CTRL_SET_MAX_PROTO_VERSION, TLS1_2_VERSION, nullptr);
    (plan.is_server ? o_.SSL_set_connect_state : o_.SSL_set_accept_state)(ssl_.get());
  }

  void take(std::span<const std::byte> bytes) {
    More::get().bio_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  /// Goes on as far as it can, and returns what it sends.
  std::string step() {
    o_.ERR_clear_error();
    if (!has_spoken_ && o_.SSL_do_handshake(ssl_.get()) == 1) speak();
    std::array<std::byte, 1000> unused;
    std::size_t got = 0;
    if (has_spoken_)
      while (o_.SSL_read_ex(ssl_.get(), unused.data(), unused.size(), &got) == 1) continue;
    std::string sent;
    std::array<char, 65536> buffer;
    for (int size = 0;
         (size = More::get().bio_read(out_, buffer.data(), static_cast<int>(buffer.size()))) > 0;)
      sent.append(buffer.data(), static_cast<std::size_t>(size));
    o_.ERR_clear_error();
    return sent;
  }
  bool has_spoken() const { return has_spoken_; }

 private:
  void say(std::string_view words) {
    std::size_t put = 0;
    for (; !words.empty(); words.remove_prefix(put))  // a record at a time
      assert(o_.SSL_write_ex(ssl_.get(), words.data(), words.size(), &put) == 1);
  }
  void speak() {
    has_spoken_ = true;
    const std::string_view words = plan_.words;
    say(words.substr(0, words.size() / 2));
    if (plan_.updates_keys && !plan_.is_tls12) {
      assert(More::get().key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1);
      o_.SSL_do_handshake(ssl_.get());
    }
    say(words.substr(words.size() / 2));
    o_.SSL_shutdown(ssl_.get());
  }

  const OpenSsl& o_ = OpenSsl::get();
  const Plan& plan_;
  std::shared_ptr<const TlsContext> context_;
  HandshakeState state_{context_->options()};
  OwnedBy<SSL, &OpenSsl::SSL_free> ssl_;
  BIO *in_ = nullptr, *out_ = nullptr;
  bool has_spoken_ = false;
};

/// One change of the transcript, at a byte of it.
struct Change {
  enum Kind { flip, cut, insert, remove, repeat, kinds };
  Kind kind;
  std::size_t at;
  std::uint8_t value;
};

/// What somebody on the way makes of the peer's transcript.
class Tamperer {
 public:
  explicit Tamperer(std::vector<Change> changes) : changes_(std::move(changes)) {}

  std::string passed(const std::string& bytes) {
    std::string changed;
    for (const char byte : bytes) pass(byte, changed);
    return changed;
  }

 private:
  void pass(char byte, std::string& changed) {
    for (const auto& change : changes_) {
      if (change.at != seen_) continue;
      if (change.kind == Change::flip) byte = static_cast<char>(byte ^ change.value);
      if (change.kind == Change::cut) is_cut_ = true;
      if (change.kind == Change::insert) changed.append(change.value, static_cast<char>(change.value));
      if (change.kind == Change::remove) removed_ = change.value;
      if (change.kind == Change::repeat)
        changed += before_.substr(before_.size() - std::min<std::size_t>(before_.size(), change.value));
    }
    ++seen_;
    before_ += byte;
    if (removed_ > 0) return void(--removed_);
    if (!is_cut_) changed += byte;
  }

  std::vector<Change> changes_;
  std::string before_;
  std::size_t seen_ = 0, removed_ = 0;
  bool is_cut_ = false;
};

/// Our end, and what it has come to.
class OurEnd {
 public:
  OurEnd(const Plan& plan, int socket)
      : is_server_(plan.is_server),
        tls_(RawEnd(describe(socket, "the peer", Origin::peer)),
             plan.is_server ? server_context() : client_context(plan.is_lenient), "the peer") {}

  /// Whether it has got on.
  bool step() {
    if (is_over()) return false;
    try {
      return is_shaken_ ? read() : shake();
    } catch (const TlsError& error) {
      assert(std::string(error.what()).starts_with("TLS the peer: "));
    } catch (const Error&) {  // of the descriptor
    }
    has_failed_ = true;
    if (is_shaken_) check_stays_failed();
    return true;
  }
  bool is_over() const { return has_ended_ || has_failed_; }
  bool has_ended() const { return has_ended_; }
  bool is_shaken() const { return is_shaken_; }
  const std::string& heard() const { return heard_; }

 private:
  bool shake() {
    is_shaken_ = tls_.handshake() == TlsTransform::Step::done;
    if (is_shaken_ && !is_server_) assert(tls_.facts().peer.pin == server_context()->pin());
    return is_shaken_;
  }
  bool read() {
    std::array<std::byte, 3000> buffer;
    const auto got = tls_.read(buffer);
    heard_.append(reinterpret_cast<const char*>(buffer.data()), got.bytes);
    has_ended_ = got.state == State::eof;
    tls_.flush();
    return got.state != State::again;
  }
  void check_stays_failed() {
    std::array<std::byte, 10> buffer{};
    for (const bool reads : {true, false}) {
      bool is_refused = false;
      try {
        if (reads)
          tls_.read(buffer);
        else
          tls_.write(buffer);
      } catch (const std::exception&) {
        is_refused = true;
      }
      assert(is_refused);
    }
  }

  bool is_server_, is_shaken_ = false, has_ended_ = false, has_failed_ = false;
  TlsTransform tls_;
  std::string heard_;
};

/// Sends as much of `pending` as there is room for.
bool put(int socket, std::string& pending) {
  const auto size = send(socket, pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size <= 0) return false;
  pending.erase(0, static_cast<std::size_t>(size));
  return true;
}

void check(const Plan& plan, std::vector<Change> changes) {
  const bool is_changed = !changes.empty();
  std::array<int, 2> numbers{};
  assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, numbers.data()) == 0);
  const UniqueFd ours(numbers[0]), way(numbers[1]);
  BarePeer peer(plan);
  Tamperer tamperer(std::move(changes));
  OurEnd our_end(plan, ours.get());
  std::string pending;
  std::array<std::byte, 65536> buffer;
  for (bool is_closed = false;;) {
    bool goes_on = our_end.step();
    const auto got = recv(way.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) {
      peer.take(std::span(buffer).first(static_cast<std::size_t>(got)));
      goes_on = true;
    }
    const auto sent = peer.step();
    goes_on = goes_on || !sent.empty();
    pending += tamperer.passed(sent);
    if (!is_closed && !pending.empty()) goes_on = put(way.get(), pending) || goes_on;
    if (goes_on) continue;
    if (is_closed) break;
    shutdown(way.get(), SHUT_WR);
    is_closed = true;
  }
  assert(our_end.is_over());
  assert(plan.words.starts_with(our_end.heard()));
  assert(our_end.is_shaken() || our_end.heard().empty());
  if (our_end.has_ended() && (!plan.is_lenient || plan.is_server)) assert(our_end.heard() == plan.words);
  if (!is_changed) assert(our_end.has_ended() && our_end.heard() == plan.words);
}

}  // namespace

/// A byte says who we are and what the peer does, the next how many changes there are, of 4 bytes each: the
/// kind, two bytes for the place, a value. The next byte says how often the peer says the rest.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t most_changes = 8, most_said = 100'000;
  More::get();
  server_context();
  random_state = 1;
  if (size < 3) return 0;
  const auto input = std::span(data, size);
  const auto flags = input[0];
  const std::size_t count = std::min<std::size_t>({input[1], (size - 3) / 4, most_changes});
  std::vector<Change> changes;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bytes = input.subspan(2 + 4 * i, 4);
    changes.push_back({static_cast<Change::Kind>(bytes[0] % Change::kinds),
                       std::size_t{bytes[1]} * 256 + bytes[2], bytes[3]});
  }
  const auto times = input[2 + 4 * count];
  const auto said = fuzz::string_of(std::as_bytes(input.subspan(3 + 4 * count)));
  Plan plan{(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0, {}};
  for (unsigned i = 0; i <= times && plan.words.size() < most_said; ++i) plan.words += said;
  check(plan, std::move(changes));
  return 0;
}
