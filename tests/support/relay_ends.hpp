// The ends of a relay under test, each with a peer in the test's hands.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "certificates.hpp"
#include "descriptors.hpp"
#include "server.hpp"

namespace test {

/// A unix socket that listens.
class UnixListener {
 public:
  explicit UnixListener(std::string path, int backlog = 16)
      : path_(std::move(path)), socket_(UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    Peer::check(bind(socket_.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind");
    Peer::check(listen(socket_.fd(), backlog), "listen");
  }
  Peer accept() { return Peer(UniqueFd(accept4(socket_.fd(), nullptr, nullptr, SOCK_CLOEXEC))); }
  std::string word() const { return "unix:" + path_; }

 private:
  std::string path_;
  Peer socket_;
};

/// The address that a process of `-v` has said it listens on, by its beginning.
inline std::string address_of(const Process& process, const std::string& host) {
  const auto mark = "listening on " + host;
  std::string found;
  eventually(process.command() + "listens on " + host, [&] {
    const auto said = process.err();
    const auto at = said.find(mark), end = said.find('\n', at);
    if (at == std::string::npos || end == std::string::npos) {
      if (!process.is_running()) throw std::runtime_error("it has ended: " + said);
      return false;
    }
    found = said.substr(at + 13, end - at - 13);
    return true;
  });
  return found;
}

/// One end: the word for it, what the relay needs for it, and how its peer is met once the relay runs.
class RelaySide {
 public:
  /// Every kind that has a peer. `place` is 1 or 2, and makes the words of both ends of a relay differ.
  static std::vector<std::string> kinds() {
    return {"-", "tcp", "unix", "fd", "listen", "listen unix", "tls", "listen tls", "sh", "exec"};
  }

  RelaySide(const std::string& kind, int place, Authority& authority, Process::Options& options)
      : host_("127.0.0." + std::to_string(place)), kind_(kind) {
    const auto files = [&] { return authority.sign(); };
    if (kind == "-") {
      auto ends = unix_pair(0);
      options.in = options.out = Stdio::given(ends.theirs.get());
      use("-", std::move(ends.ours));
    } else if (kind == "fd") {
      auto ends = unix_pair(0);
      borrowed_ = std::move(ends.theirs);
      options.inherited.push_back(borrowed_.get());
      use("fd:" + std::to_string(borrowed_.get()), std::move(ends.ours));
    } else if (kind == "tcp") {
      tcp_.emplace();
      word_ = "127.0.0.1:" + tcp_->port();
      meet_ = [this](const Process&) { return tcp_->accept(); };
    } else if (kind == "unix") {
      unix_.emplace(folder_ / "s");
      word_ = unix_->word();
      meet_ = [this](const Process&) { return unix_->accept(); };
    } else if (kind == "listen") {
      word_ = "listen:" + host_ + ":0";
      meet_ = [this](const Process& relay) { return connect_to_tcp(address_of(relay, host_)); };
    } else if (kind == "listen unix") {
      word_ = "listen:unix:" + (folder_ / "s");
      meet_ = [this](const Process&) {
        wait_for_listener(folder_ / "s");
        return connect_to("unix:" + (folder_ / "s"));
      };
    } else if (kind == "tls") {
      const auto own = files();
      auto outer =
          start({"listen", "--tls", "--tls-cert", own.certificate, "--tls-key", own.key, "127.0.0.1", "0"});
      use("tls:localhost:" + port_of(*helper_) + ",ca=" + authority.file(), std::move(outer));
    } else if (kind == "listen tls") {
      const auto own = files();
      word_ = "listen:tls:" + host_ + ":0,cert=" + own.certificate + ",key=" + own.key;
      meet_ = [this, ca = authority.file()](const Process& relay) {
        const auto address = address_of(relay, host_);
        return Peer(start({"connect", "--tls", "--tls-ca", ca, "--tls-name", "localhost", address}));
      };
    } else {  // a program that is joined to a socket of ours
      unix_.emplace(folder_ / "s");
      const auto command = sockx_binary() + " connect " + unix_->word();
      word_ = kind == "sh" ? "sh:exec " + command : "exec";
      if (kind == "exec") program = {"--", sockx_binary(), "connect", unix_->word()};
      meet_ = [this](const Process&) { return unix_->accept(); };
    }
  }
  RelaySide(const RelaySide&) = delete;
  RelaySide& operator=(const RelaySide&) = delete;

  const std::string& word() const { return word_; }
  const std::string& kind() const { return kind_; }
  /// To be called once. The relay's own copies of what it inherits are closed in the test.
  Peer meet(const Process& relay) {
    borrowed_.reset();
    return meet_(relay);
  }

  std::vector<std::string> program = {};

 private:
  static Peer connect_to_tcp(const std::string& address) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    const auto colon = address.rfind(':');
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
    Peer::check(inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) - 1, "inet_pton");
    Peer peer(UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    Peer::check(connect(peer.fd(), reinterpret_cast<const sockaddr*>(&to), sizeof to), "connect");
    return peer;
  }
  void use(std::string word, UniqueFd peer) {
    word_ = std::move(word);
    met_ = std::make_shared<UniqueFd>(std::move(peer));
    meet_ = [this](const Process&) { return Peer(std::move(*met_)); };
  }
  /// A sockx whose standard streams are a socket; the other end of that.
  UniqueFd start(std::vector<std::string> words) {
    auto ends = unix_pair(0);
    const auto stream = Stdio::given(ends.theirs.get());
    helper_.emplace(sockx(std::move(words)), Process::Options{.in = stream, .out = stream});
    return std::move(ends.ours);
  }

  std::string host_, kind_, word_;
  Folder folder_;
  UniqueFd borrowed_;
  std::shared_ptr<UniqueFd> met_;
  std::optional<PeerListener> tcp_;
  std::optional<UnixListener> unix_;
  std::optional<Process> helper_;
  std::function<Peer(const Process&)> meet_;
};

/// A relay between two such ends, with a peer at each.
class Relayed {
 public:
  using Words = std::vector<std::string>;

  Relayed(const std::string& first, const std::string& second, Authority& authority,
          const Words& options = {})
      : first_(first, 1, authority, start_), second_(second, 2, authority, start_) {
    process.emplace(sockx({"-v", "relay"}) + options + Words{first_.word(), second_.word()} + first_.program +
                        second_.program,
                    start_);
    start_ = {};  // our copies of its standard streams
    a.emplace(first_.meet(*process));
    b.emplace(second_.meet(*process));
  }

  std::optional<Process> process;
  std::optional<Peer> a, b;

 private:
  Process::Options start_;
  RelaySide first_, second_;
};

}  // namespace test
