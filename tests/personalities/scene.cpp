#include "scene.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>
#include <regex>
#include <system_error>

#include "../support/files.hpp"
#include "../support/peer.hpp"
#include "../support/process.hpp"
#include "../support/sockx.hpp"
#include "../support/terminal.hpp"

namespace test {

namespace {

using Clock = std::chrono::steady_clock;

struct Ended : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool replace_all(std::string& text, const std::string& from, const std::string& to) {
  bool replaced = false;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
    replaced = true;
  }
  return replaced;
}

/// Everything that is there without waiting; true at the end.
bool read_some(int fd, std::string& text) {
  char buffer[64 * 1024];
  for (;;) {
    const auto got = read(fd, buffer, sizeof buffer);
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
    if (got == 0) return true;
    if (got < 0 && errno == EAGAIN) return false;
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "read");
  }
}

struct PipeEnds {
  UniqueFd ours, theirs;
};

/// Ours does not block.
PipeEnds make_pipe(bool we_read) {
  int ends[2];
  Peer::check(pipe2(ends, O_CLOEXEC), "pipe2");
  PipeEnds pipe{UniqueFd(ends[we_read ? 0 : 1]), UniqueFd(ends[we_read ? 1 : 0])};
  Peer::check(fcntl(pipe.ours.get(), F_SETFL, O_NONBLOCK), "fcntl");
  return pipe;
}

/// Whether all threads of a process have slept since the last look: what they wait for has not come.
class Rest {
 public:
  explicit Rest(pid_t pid) : folder_("/proc/" + std::to_string(pid) + "/task") {}
  bool has_lasted(std::chrono::milliseconds time) {
    auto now = signature();
    if (now.empty() || now != last_) {
      last_ = std::move(now);
      since_ = Clock::now();
    }
    return Clock::now() - since_ >= time;
  }

 private:
  /// Empty while one of them runs.
  std::string signature() const {
    std::string all;
    std::error_code gone;
    for (const auto& task : fs::directory_iterator(folder_, gone)) {
      std::ifstream file(task.path() / "status");
      for (std::string line; std::getline(file, line);) {
        if (line.starts_with("State:") && line.find("S (sleeping)") == std::string::npos) return "";
        if (line.find("ctxt_switches") != std::string::npos) all += line;
      }
    }
    return all;
  }
  std::string folder_, last_;
  Clock::time_point since_ = Clock::now();
};

/// An address in words: PORT or HOST:PORT of the loopback, or a path, perhaps abstract.
struct Where {
  sockaddr_storage storage{};
  socklen_t size = 0;
  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Where where_is(const std::string& words) {
  Where where;
  if (words.find_first_of("/@") != std::string::npos) {
    auto& address = reinterpret_cast<sockaddr_un&>(where.storage);
    address.sun_family = AF_UNIX;
    words.copy(address.sun_path, sizeof address.sun_path - 1);
    where.size = sizeof address;
    if (words.front() == '@') {
      address.sun_path[0] = '\0';
      where.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + words.size());
    }
    return where;
  }
  const auto colon = words.rfind(':');
  const auto host = colon == std::string::npos ? "127.0.0.1" : words.substr(0, colon);
  const auto port = htons(static_cast<std::uint16_t>(std::stoi(words.substr(colon + 1))));
  auto& six = reinterpret_cast<sockaddr_in6&>(where.storage);
  auto& four = reinterpret_cast<sockaddr_in&>(where.storage);
  if (inet_pton(AF_INET6, host.c_str(), &six.sin6_addr) == 1) {
    six.sin6_family = AF_INET6;
    six.sin6_port = port;
    where.size = sizeof six;
  } else {
    if (inet_pton(AF_INET, host.c_str(), &four.sin_addr) != 1) throw std::runtime_error("no host " + host);
    four.sin_family = AF_INET;
    four.sin_port = port;
    where.size = sizeof four;
  }
  return where;
}

struct Connection {
  UniqueFd fd;
  bool is_datagram = false, shows_end = true;
  std::string heard, end = "";
  std::vector<std::string> datagrams;
  Where from;  // of the last datagram
};

class Play {
 public:
  Play(const Scene& scene, const NcRow& row, unsigned first_port)
      : scene_(scene), row_(row), first_port_(first_port) {}

  Transcript run() {
    try {
      for (const auto& step : row_.steps) {
        if (!prepare(step)) {
          if (!process_) start();
          act(step);
        }
      }
      if (!process_) start();
      if (!has_settled_) wait_for_end();
    } catch (const Ended& ended) {
      say(std::string("the script stopped: ") + ended.what());
    }
    finish();
    return std::move(transcript_);
  }

 private:
  // ------------------------------------------------------------------------------------------------ words

  std::string filled_in(const std::string& word) const {
    std::string text = word;
    for (std::size_t at = 0; (at = text.find('P', at)) != std::string::npos; ++at) {
      const bool is_apart = at == 0 || std::isupper(static_cast<unsigned char>(text[at - 1])) == 0;
      if (is_apart && at + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[at + 1])) != 0)
        text.replace(at, 2, std::to_string(first_port_ + static_cast<unsigned>(text[at + 1] - '0')));
    }
    replace_all(text, "DIR", folder_.path());
    return text;
  }

  /// Without what differs by nature.
  std::string plain(std::string text) const {
    for (const auto& word : scene_.program)
      if (word.find('/') != std::string::npos) replace_all(text, word, scene_.name);
    replace_all(text, folder_.path(), "DIR");
    for (unsigned i = 0; i < 10; ++i)
      replace_all(text, std::to_string(first_port_ + i), "P" + std::to_string(i));
    for (const auto& port : client_ports_) replace_all(text, port, "CLIENT");
    static const std::regex own_folder("/tmp/nc-[A-Za-z0-9]{6}");
    return std::regex_replace(text, own_folder, "/tmp/nc-XXXXXX");
  }

  void say(const std::string& line) { transcript_.lines.push_back(line); }

  // -------------------------------------------------------------------------------------- before the start

  bool prepare(const Step& step) {
    const auto word = [&](std::size_t i) { return filled_in(step.words.at(i)); };
    if (step.verb == "listen") {
      listeners_[word(0)] = listener(where_is(word(0)), SOCK_STREAM);
    } else if (step.verb == "udp") {
      add_datagrams(listener(where_is(word(0)), SOCK_DGRAM));
    } else if (step.verb == "occupy") {
      held_.push_back(bound(where_is(word(0)), SOCK_STREAM, false));
    } else if (step.verb == "file") {
      write_file(word(0), step.words.size() > 1 ? step.words[1] : "");
    } else if (step.verb == "link") {
      fs::create_symlink(word(1), word(0));
    } else if (step.verb == "fifo") {
      Peer::check(mkfifo(word(0).c_str(), 0600), "mkfifo");
    } else if (step.verb == "full") {  // nobody accepts, and the backlog is full
      const auto where = where_is(word(0));
      held_.push_back(bound(where, SOCK_STREAM, true));
      Peer::check(::listen(held_.back().get(), 0), "listen");
      for (int i = 0; i < 3; ++i) {
        held_.emplace_back(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        [[maybe_unused]] const auto begun = ::connect(held_.back().get(), where.get(), where.size);
      }
    } else if (step.verb == "terminal") {
      terminal_.emplace();
    } else if (step.verb == "stdout") {
      out_kind_ = word(0);
    } else {
      return false;
    }
    return true;
  }

  static UniqueFd bound(const Where& where, int type, bool reuse) {
    UniqueFd fd(socket(where.family(), type | SOCK_CLOEXEC, 0));
    Peer::check(fd.get(), "socket");
    const int one = 1;
    if (reuse) Peer::check(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), "SO_REUSEADDR");
    if (where.family() == AF_INET6)
      Peer::check(setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one), "IPV6_V6ONLY");
    // A child of another thread that is not yet its program may hold the socket of the run before.
    eventually("the port is free", [&] {
      const auto result = bind(fd.get(), where.get(), where.size);
      if (result != 0 && errno != EADDRINUSE) Peer::check(result, "bind");
      return result == 0;
    });
    return fd;
  }
  static UniqueFd listener(const Where& where, int type) {
    auto fd = bound(where, type, type == SOCK_STREAM);
    if (type == SOCK_STREAM) Peer::check(::listen(fd.get(), 8), "listen");
    Peer::check(fcntl(fd.get(), F_SETFL, O_NONBLOCK), "fcntl");
    return fd;
  }

  Connection& add_datagrams(UniqueFd fd) {
    const int on = 1;
    [[maybe_unused]] auto ignored = setsockopt(fd.get(), IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
    ignored = setsockopt(fd.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    auto& added = connections_.emplace_back();
    added.fd = std::move(fd);
    added.is_datagram = true;
    return added;
  }

  void start() {
    Process::Options options;
    using Kind = NcInput::Kind;
    if (row_.input.kind == Kind::null) options.in = Stdio::null();
    if (row_.input.kind == Kind::closed) options.in = Stdio::closed();
    if (row_.input.kind == Kind::file)
      options.in = Stdio::input(write_file(folder_ / "input", row_.input.text));
    if (row_.input.kind == Kind::open || row_.input.kind == Kind::text) {
      auto pipe = make_pipe(false);
      options.in = Stdio::given(pipe.theirs.get());
      input_ = std::move(pipe.ours);
      to_say_ = row_.input.text;
      ends_after_ = row_.input.kind == Kind::text && !row_.input.stays_open;
      if (ends_after_ && to_say_.empty()) input_.reset();
    }
    if (out_kind_ == "pipe" || out_kind_ == "gone") {
      auto pipe = make_pipe(true);
      options.out = Stdio::given(pipe.theirs.get());
      if (out_kind_ == "pipe") out_ = std::move(pipe.ours);
    } else if (out_kind_ == "full") {
      options.out = Stdio::file("/dev/full", O_WRONLY);
    } else if (out_kind_ == "closed") {
      options.out = Stdio::closed();
    } else if (out_kind_ == "socket" || out_kind_ == "gone-socket") {
      int ends[2];
      Peer::check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
      if (out_kind_ == "socket")
        passed_to_ = UniqueFd(ends[0]);
      else
        ::close(ends[0]);
      const UniqueFd theirs(ends[1]);
      options.out = Stdio::given(theirs.get());
    } else if (out_kind_ == "tcp") {
      UniqueFd theirs(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto where = where_is(std::to_string(first_port_ + 9));
      const auto listening = listener(where, SOCK_STREAM);
      Peer::check(::connect(theirs.get(), where.get(), where.size), "connect");
      options.out = Stdio::given(theirs.get());
      held_.push_back(std::move(theirs));
      held_.emplace_back(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    } else {
      throw std::runtime_error("no such stdout: " + out_kind_);
    }
    auto errors = make_pipe(true);
    options.err = Stdio::given(errors.theirs.get());
    err_ = std::move(errors.ours);
    options.environment = scene_.environment;
    options.folder = folder_.path();
    if (terminal_) options.terminal = terminal_->path();
    std::vector<std::string> words;
    for (const auto& word : row_.words) words.push_back(filled_in(word));
    auto all = scene_.program;
    if (scene_.words != nullptr)
      all = scene_.words(scene_.program, words);
    else
      all.insert(all.end(), words.begin(), words.end());
    process_ = std::make_unique<Process>(all, options);
    pid_fd_ = UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, process_->pid(), 0)));
  }

  // ------------------------------------------------------------------------------------------------- waiting

  /// Reads and writes whatever is possible, after waiting for at most `milliseconds`.
  void pump(int milliseconds) {
    std::vector<pollfd> entries;
    const auto add = [&](const UniqueFd& fd, short events) {
      entries.push_back({fd ? fd.get() : -1, events, 0});
    };
    add(pid_fd_, POLLIN);
    add(out_, POLLIN);
    add(err_, POLLIN);
    add(to_say_.empty() ? UniqueFd() : UniqueFd(), POLLOUT);
    entries.back().fd = input_ && !to_say_.empty() ? input_.get() : -1;
    for (const auto& connection : connections_) {
      add(connection.fd, POLLIN);
      if (!connection.end.empty() || is_deaf_) entries.back().fd = -1;
    }
    if (is_over_) entries.front().fd = -1;
    Peer::check(poll(entries.data(), entries.size(), milliseconds), "poll");
    if (out_ && read_some(out_.get(), out_text_)) out_.reset();
    if (err_ && read_some(err_.get(), err_text_)) err_.reset();
    if (input_ && !to_say_.empty()) type_some();
    for (auto& connection : connections_)
      if (connection.end.empty() && !is_deaf_) hear_some(connection);
    if (process_ && !is_over_ && !process_->is_running()) {
      is_over_ = true;
      over_since_ =
          Clock::now();  // a child of another thread that is not yet its program may hold our sockets
    }
  }

  void type_some() {
    const auto put = ::write(input_.get(), to_say_.data(), to_say_.size());
    if (put < 0 && errno != EAGAIN) {  // nobody reads any more
      to_say_.clear();
      input_.reset();
    }
    if (put > 0) to_say_.erase(0, static_cast<std::size_t>(put));
    if (to_say_.empty() && ends_after_) input_.reset();
  }

  void hear_some(Connection& connection) {
    if (connection.is_datagram) return hear_datagrams(connection);
    try {
      if (read_some(connection.fd.get(), connection.heard)) connection.end = "FIN";
    } catch (const std::system_error& error) {
      connection.end = error.code().value() == ECONNRESET ? "RST" : error.code().message();
    }
  }

  void hear_datagrams(Connection& connection) {
    char buffer[70000], control[256];
    for (;;) {
      Where from;
      iovec part{buffer, sizeof buffer};
      msghdr message{};
      message.msg_name = &from.storage;
      message.msg_namelen = sizeof from.storage;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = control;
      message.msg_controllen = sizeof control;
      const auto got = recvmsg(connection.fd.get(), &message, MSG_DONTWAIT);
      if (got < 0 && errno == ECONNREFUSED) continue;
      if (got < 0) return;
      from.size = message.msg_namelen;
      connection.from = from;
      connection.datagrams.emplace_back(buffer, static_cast<std::size_t>(got));
      for (auto* item = CMSG_FIRSTHDR(&message); item != nullptr; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TTL)
          last_ttl_ = *reinterpret_cast<const int*>(CMSG_DATA(item));
        if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) last_tos_ = *CMSG_DATA(item);
      }
    }
  }

  /// Until it has happened. What a process that sleeps for seconds, or has ended, does not do, it will not
  /// do.
  template <class Condition>
  void until(const std::string& what, Condition happened) {
    Rest rest(process_->pid());
    const auto limit = Clock::now() + patience;
    auto next_look = Clock::now();
    for (int wait = 2;; wait = std::min(wait * 2, 64)) {
      pump(0);
      if (happened()) return;
      const auto now = Clock::now();
      if (is_over_ && now > over_since_ + 3s) throw Ended("nc ended before " + what);
      if (!is_over_ && now > next_look) {  // not often: it costs more than the rest
        if (rest.has_lasted(4s) || now > limit) throw Ended("waited in vain until " + what);
        next_look = now + 250ms;
      }
      pump(wait);
    }
  }

  void wait_for_end() {
    until("it ends", [&] { return is_over_; });
  }

  // ------------------------------------------------------------------------------------------------- steps

  Connection& current() {
    if (connections_.empty()) throw std::runtime_error("no connection");
    return connections_.at(current_);
  }

  void connect(const std::string& words, int type) {
    const auto where = where_is(words);
    UniqueFd fd;
    until("it listens", [&] {
      fd = UniqueFd(socket(where.family(), type | SOCK_CLOEXEC, 0));
      Peer::check(fd.get(), "socket");
      if (where.family() == AF_UNIX && type == SOCK_DGRAM) {  // to be answered it needs a name
        const auto own = where_is(folder_ / ("client" + std::to_string(connections_.size())));
        unlink(reinterpret_cast<const sockaddr_un&>(own.storage).sun_path);
        Peer::check(bind(fd.get(), own.get(), own.size), "bind");
      }
      if (type == SOCK_DGRAM && where.family() != AF_UNIX && !is_udp_port_bound(where)) return false;
      return ::connect(fd.get(), where.get(), where.size) == 0;
    });
    Peer::check(fcntl(fd.get(), F_SETFL, O_NONBLOCK), "fcntl");
    remember_port(fd.get());
    auto& added = connections_.emplace_back();
    added.fd = std::move(fd);
    added.is_datagram = type == SOCK_DGRAM;
    current_ = connections_.size() - 1;
  }

  static bool is_udp_port_bound(const Where& where) {
    const auto port = ntohs(reinterpret_cast<const sockaddr_in&>(where.storage).sin_port);
    char suffix[8];
    std::snprintf(suffix, sizeof suffix, ":%04X", port);
    for (const std::string table : {"udp", "udp6"}) {
      std::ifstream rows("/proc/thread-self/net/" + table);
      std::string row;
      while (std::getline(rows, row)) {
        std::istringstream words(row);
        std::string slot, local;
        words >> slot >> local;
        if (local.ends_with(suffix)) return true;
      }
    }
    return false;
  }

  void remember_port(int fd) {
    Where own;
    own.size = sizeof own.storage;
    Peer::check(getsockname(fd, reinterpret_cast<sockaddr*>(&own.storage), &own.size), "getsockname");
    if (own.family() != AF_UNIX)
      client_ports_.push_back(std::to_string(ntohs(reinterpret_cast<sockaddr_in&>(own.storage).sin_port)));
  }

  void accept_one(const std::string& words) {
    auto& listening = words.empty() ? listeners_.begin()->second : listeners_.at(words);
    UniqueFd fd;
    until("it connects", [&] {
      fd = UniqueFd(accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      return static_cast<bool>(fd);
    });
    connections_.emplace_back().fd = std::move(fd);
    current_ = connections_.size() - 1;
  }

  void send_all(Connection& connection, const std::string& bytes) {
    std::size_t done = 0;
    until("everything is sent", [&] {
      while (done < bytes.size()) {
        const auto put = ::send(connection.fd.get(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) return false;
        if (put < 0) return true;  // the other end is gone, and its end shows that
        done += static_cast<std::size_t>(put);
      }
      return true;
    });
  }

  void act(const Step& step) {
    const auto word = [&](std::size_t i) { return i < step.words.size() ? filled_in(step.words[i]) : ""; };
    const auto& verb = step.verb;
    if (verb == "start") return;
    if (verb == "accept") return accept_one(word(0));
    if (verb == "connect") return connect(word(0), SOCK_STREAM);
    if (verb == "talk") return connect(word(0), SOCK_DGRAM);
    if (verb == "refused") return check_refused(word(0));
    if (verb == "use") {
      current_ = std::stoul(word(0)) - 1;
      return;
    }
    if (verb == "say") return send_all(current(), step.words.at(0));
    if (verb == "say-noise") return send_all(current(), noise(std::stoul(word(0)), 5));
    if (verb == "send" || verb == "send-noise") {  // a datagram
      const auto datagram = verb == "send" ? step.words.at(0) : noise(std::stoul(word(0)), 5);
      return until("the datagram is sent",
                   [&] { return ::send(current().fd.get(), datagram.data(), datagram.size(), 0) >= 0; });
    }
    if (verb == "answer") {  // to who has sent the last datagram
      const auto& to = current().from;
      Peer::check(
          sendto(current().fd.get(), step.words.at(0).data(), step.words.at(0).size(), 0, to.get(), to.size),
          "sendto");
      return;
    }
    if (verb == "send-back") return send_all(current(), std::string(current().heard));
    if (verb == "hear") {
      const auto size = std::stoul(word(0));
      return until("the peer has heard " + word(0) + " bytes",
                   [&] { return current().heard.size() >= size || !current().end.empty(); });
    }
    if (verb == "hear-text")
      return until("the peer has heard " + quoted(step.words.at(0)),
                   [&] { return contains(current().heard, step.words.at(0)); });
    if (verb == "hear-request")
      return until("the peer has heard a request", [&] { return current().heard.ends_with("\r\n\r\n"); });
    if (verb == "hear-datagrams") {
      const auto count = std::stoul(word(0));
      return until("the peer has heard " + word(0) + " datagrams",
                   [&] { return current().datagrams.size() >= count; });
    }
    if (verb == "hear-end") return until("the peer hears the end", [&] { return !current().end.empty(); });
    if (verb == "fin") {
      shutdown(current().fd.get(), SHUT_WR);
      return;
    }
    if (verb == "close" || verb == "reset") {
      auto& connection = current();
      pump(0);
      if (verb == "reset") {
        const linger at_once{1, 0};
        Peer::check(setsockopt(connection.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once),
                    "SO_LINGER");
      }
      if (connection.end.empty()) connection.end = "closed by the peer";
      connection.fd.reset();
      return;
    }
    if (verb == "any-end") {  // the two may leave different bytes unread, which makes a reset of the end
      current().shows_end = false;
      return;
    }
    if (verb == "unlisten") {
      listeners_.clear();
      return;
    }
    if (verb == "type") {
      to_say_ += step.words.at(0);
      return until("it reads its input", [&] { return to_say_.empty(); });
    }
    if (verb == "eof") {
      until("it reads its input", [&] { return to_say_.empty(); });
      input_.reset();
      return;
    }
    if (verb == "out") {
      return until("it prints " + quoted(step.words.at(0)),
                   [&] { return contains(out_text_, step.words.at(0)); });
    }
    if (verb == "err") {
      return until("it reports " + quoted(step.words.at(0)),
                   [&] { return contains(err_text_, step.words.at(0)); });
    }
    if (verb == "shows")
      return until("the terminal shows " + quoted(step.words.at(0)),
                   [&] { return contains(terminal_->shown(), step.words.at(0)); });
    if (verb == "keys") {
      say("terminal " + quoted(plain(terminal_->shown())));
      terminal_->forget();
      return terminal_->type(step.words.at(0));
    }
    if (verb == "out-size") {
      const auto size = std::stoul(word(0));
      return until("it prints so much", [&] { return out_text_.size() >= size; });
    }
    if (verb == "settled") return settle();
    if (verb == "exit") return wait_for_end();
    if (verb == "kill") return process_->signal(std::stoi(word(0)));
    if (verb == "options") return report_options();
    if (verb == "from") return report_source();
    if (verb == "marks") {
      say("ttl " + std::to_string(last_ttl_) + ", tos " + std::to_string(last_tos_));
      return;
    }
    if (verb == "is") return say(step.words.at(0) + ": " + kind_of(word(0)));
    if (verb == "passed") return receive_descriptor();
    throw std::runtime_error("no step " + verb);
  }

  static std::string kind_of(const std::string& path) {
    struct stat facts {};
    if (lstat(path.c_str(), &facts) != 0) return "not there";
    if (S_ISLNK(facts.st_mode)) return "a link";
    return S_ISSOCK(facts.st_mode) ? "a socket" : S_ISREG(facts.st_mode) ? "a file" : "something else";
  }

  void check_refused(const std::string& words) {
    const auto where = where_is(words);
    const UniqueFd fd(socket(where.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool connected = ::connect(fd.get(), where.get(), where.size) == 0;
    say(plain(words) + (connected ? ": accepts" : std::string(": ") + std::strerror(errno)));
  }

  /// Everything has come to rest, and the process has not ended.
  void settle() {
    Rest rest(process_->pid());
    while (!is_over_ && !rest.has_lasted(80ms)) pump(20);
    std::string state = is_over_ ? "settled: it has ended" : "settled: it runs";
    for (std::size_t i = 0; i < connections_.size(); ++i)
      if (!connections_[i].is_datagram)
        state +=
            ", " + std::to_string(i + 1) + " " + (connections_[i].end.empty() ? "open" : connections_[i].end);
    if (!is_over_) say(state + ", printed " + quoted(plain(out_text_)));
    if (is_over_) say(state);
    has_settled_ = true;
  }

  /// Of the socket that the process has of the kind that is not unix.
  void report_options() {
    UniqueFd copy;
    until("it has a socket", [&] {
      for (int number = 3; number < 64; ++number) {
        UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_getfd, pid_fd_.get(), number, 0)));
        if (!fd) continue;
        int family = 0;
        socklen_t size = sizeof family;
        if (getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 || family == AF_UNIX) continue;
        copy = std::move(fd);
        return true;
      }
      return false;
    });
    const auto value = [&](int level, int option) {
      int number = -1;
      socklen_t size = sizeof number;
      return getsockopt(copy.get(), level, option, &number, &size) == 0 ? std::to_string(number) : "none";
    };
    const auto auto_tuned = [&](const char* letter, int option) {
      bool asked = false;
      for (const auto& word : row_.words) asked |= word.starts_with(letter);
      return asked ? value(SOL_SOCKET, option) : std::string("default");
    };
    say("debug " + value(SOL_SOCKET, SO_DEBUG) + ", broadcast " + value(SOL_SOCKET, SO_BROADCAST) +
        ", rcvbuf " + auto_tuned("-I", SO_RCVBUF) + ", sndbuf " + auto_tuned("-O", SO_SNDBUF) + ", tos " +
        value(IPPROTO_IP, IP_TOS) + ", ttl " + value(IPPROTO_IP, IP_TTL) + ", minttl " +
        value(IPPROTO_IP, IP_MINTTL) + ", tclass " + value(IPPROTO_IPV6, IPV6_TCLASS) + ", hops " +
        value(IPPROTO_IPV6, IPV6_UNICAST_HOPS) + ", minhops " +
        value(IPPROTO_IPV6, 73 /* IPV6_MINHOPCOUNT */));
  }

  void report_source() {
    Where other;
    other.size = sizeof other.storage;
    if (current().is_datagram)
      other = current().from;
    else
      Peer::check(getpeername(current().fd.get(), reinterpret_cast<sockaddr*>(&other.storage), &other.size),
                  "getpeername");
    if (other.family() == AF_UNIX) {
      const auto& address = reinterpret_cast<const sockaddr_un&>(other.storage);
      return say("from " + plain(other.size > sizeof(sa_family_t) ? address.sun_path : ""));
    }
    char host[INET6_ADDRSTRLEN];
    const void* bytes = &reinterpret_cast<const sockaddr_in&>(other.storage).sin_addr;
    if (other.family() == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(other.storage).sin6_addr;
    inet_ntop(other.family(), bytes, host, sizeof host);
    auto port = plain(std::to_string(ntohs(reinterpret_cast<const sockaddr_in&>(other.storage).sin_port)));
    if (port.front() != 'P' && port.size() > 3) port = "any port";
    say(std::string("from ") + host + ", " + port);
  }

  void receive_descriptor() {
    char byte = 0;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec part{&byte, 1};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t got = -1;
    until("it passes a descriptor", [&] {
      got = recvmsg(passed_to_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      return got >= 0;
    });
    const auto* const item = CMSG_FIRSTHDR(&message);
    if (item == nullptr || item->cmsg_type != SCM_RIGHTS)
      return say("passed " + std::to_string(got) + " bytes, no descriptor");
    int number = -1;
    std::memcpy(&number, CMSG_DATA(item), sizeof number);
    passed_ = UniqueFd(number);
    say("passed " + std::to_string(got) + " byte with a descriptor");
    [[maybe_unused]] const auto put = ::send(passed_.get(), "by the descriptor", 17, MSG_NOSIGNAL);
  }

  // --------------------------------------------------------------------------------------------------- end

  void finish() {
    if (!process_) return;
    input_.reset();
    const bool ended = is_over_;
    if (ended) {
      const auto end = process_->wait();
      transcript_.status = end.status;
      say(end.signal != 0 ? "killed by " + std::to_string(end.signal) : "exit " + std::to_string(end.status));
      read_rest();
    } else {
      pump(0);
      say("it still runs");
    }
    say("stdout " + quoted(plain(out_text_)));
    say("stderr " + quoted(plain(err_text_)));
    transcript_.out = out_text_;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      const auto& connection = connections_[i];
      std::string line = std::to_string(i + 1) + ": ";
      if (connection.is_datagram) {
        line += std::to_string(connection.datagrams.size()) + " datagrams";
        for (const auto& datagram : connection.datagrams) line += ' ' + quoted(plain(datagram));
      } else {
        line += quoted(plain(connection.heard));
        if (ended && connection.shows_end) line += ", " + connection.end;
      }
      transcript_.heard.push_back(line);
      say(line);
    }
  }

  /// The process has ended: what it has said is under way at most.
  void read_rest() {
    passed_.reset();
    const auto limit = Clock::now() + 5s;
    const auto is_whole = [&] {
      bool whole = !out_ && !err_;
      for (const auto& connection : connections_) whole &= connection.is_datagram || !connection.end.empty();
      return whole;
    };
    for (pump(0); !is_whole() && Clock::now() < limit;) pump(20);
  }

  const Scene& scene_;
  const NcRow& row_;
  unsigned first_port_;
  Folder folder_;
  Transcript transcript_;
  std::map<std::string, UniqueFd> listeners_;
  std::vector<UniqueFd> held_;
  std::vector<Connection> connections_;
  std::size_t current_ = 0;
  std::vector<std::string> client_ports_;
  std::string out_kind_ = "pipe", out_text_, err_text_, to_say_;
  bool ends_after_ = false, is_over_ = false, has_settled_ = false, is_deaf_ = false;
  UniqueFd out_, err_, input_, passed_to_, passed_, pid_fd_;
  Clock::time_point over_since_;
  int last_ttl_ = -1, last_tos_ = -1;
  std::optional<Terminal> terminal_;
  std::unique_ptr<Process> process_;
};

}  // namespace

std::string Transcript::text() const {
  std::string all;
  for (const auto& line : lines) all += "    " + line + '\n';
  return all;
}

Transcript play(const Scene& scene, const NcRow& row, unsigned first_port) {
  return Play(scene, row, first_port).run();
}

}  // namespace test
