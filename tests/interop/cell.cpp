#include "cell.hpp"

#include <map>
#include <memory>

#include "../support/sockx.hpp"

namespace test {

namespace {

Words filled_in(Words words, const std::map<std::string, std::string>& values) {
  for (auto& word : words)
    for (const auto& [name, value] : values)
      if (const auto at = word.find(name); at != std::string::npos) word.replace(at, name.size(), value);
  return words;
}

/// One of the two: a process, what it has to say, and what it hears.
class Side {
 public:
  Side(const Folder& folder, const std::string& name, Input input, std::string content)
      : input_(input), content_(std::move(content)), in_file_(folder / name), out_file_(in_file_ + ".out") {
    if (input == Input::file) {
      write_file(in_file_, content_);
      options_ = {Stdio::input(in_file_), Stdio::output(out_file_)};
    }
    if (input == Input::pipe) options_.in = Stdio::pipe();
  }

  void start(const Words& words) {
    process_ =
        std::make_unique<Process>(filled_in(words, {{"INPUT", in_file_}, {"OUTPUT", out_file_}}), options_);
  }
  Process& process() { return *process_; }
  std::string command() const { return process_ ? process_->command() : ""; }
  void speak() {
    if (input_ == Input::pipe) process_->feed(content_);
  }

  const std::string& content() const { return content_; }
  std::string heard() const { return input_ == Input::file ? read_file(out_file_) : process_->out(); }
  bool has_heard(std::size_t size) const {
    return (input_ == Input::file ? fs::file_size(out_file_) : process_->out_size()) >= size;
  }

 private:
  Input input_;
  std::string content_, in_file_, out_file_;
  Process::Options options_;
  std::unique_ptr<Process> process_;
};

class Conversation {
 public:
  Conversation(const PeerProgram& program, const Cell& cell)
      : program_(program),
        cell_(cell),
        sockx_(folder_, "sockx", cell.sockx_input, noise(cell.sockx_size, 1)),
        peer_(folder_, "peer", cell.peer_input, noise(cell.peer_size, 2)) {}

  std::string commands() const { return sockx_.command() + "\n" + peer_.command(); }

  Outcome run(const Words& command, std::chrono::milliseconds limit) {
    begin(command);
    speak();
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const auto end_of = [&](Side& side) {
      const auto left = deadline - std::chrono::steady_clock::now();
      return side.process().wait(std::max(0ms, std::chrono::duration_cast<std::chrono::milliseconds>(left)));
    };
    const auto sockx_end = end_of(sockx_), peer_end = end_of(peer_);
    return {commands(),
            sockx_.heard(),
            peer_.heard(),
            sockx_.content(),
            peer_.content(),
            sockx_end,
            peer_end,
            sockx_.process().err(),
            sockx_.process().left_others() || peer_.process().left_others()};
  }

 private:
  bool is_unix() const { return cell_.family == Family::unix_stream; }
  std::string host() const { return cell_.family == Family::ipv6 ? "::1" : "127.0.0.1"; }
  std::string path() const { return folder_ / "socket"; }

  /// Whoever listens is there first.
  void begin(const Words& command) {
    if (cell_.role == Role::listen) {
      sockx_.start(sockx(command) + endpoint("0"));
      peer_.start(program_.connects + where(program_.dials, port_once_listening(sockx_)));
    } else {
      peer_.start(program_.listens + where(program_.at, "0"));
      sockx_.start(sockx(command) + endpoint(port_once_listening(peer_)));
    }
  }

  std::string port_once_listening(Side& side) const {
    if (!is_unix()) return port_of(side.process());
    wait_for_listener(path());
    return "";
  }

  /// In one word, which every command takes.
  Words endpoint(const std::string& port) const {
    if (is_unix()) return {"unix:" + path()};
    return {(cell_.family == Family::ipv6 ? "[::1]:" : "127.0.0.1:") + port};
  }
  Words where(const std::array<std::optional<Words>, 3>& by_family, const std::string& port) const {
    return filled_in(by_family.at(static_cast<std::size_t>(cell_.family)).value(),
                     {{"HOST", host()}, {"PORT", port}, {"PATH", path()}});
  }

  /// Each when it is its turn. What one waits for does not happen any more when the other has left.
  void speak() {
    const auto then = [](Side& first, Side& second, const char* what, auto happened) {
      first.speak();
      eventually(what, [&] { return happened() || !first.process().is_running(); });
      second.speak();
    };
    switch (cell_.order) {
      case Order::at_once:
        sockx_.speak();
        return peer_.speak();
      case Order::sockx_first:
        return then(sockx_, peer_, "the peer has everything",
                    [&] { return peer_.has_heard(cell_.sockx_size) || !peer_.process().is_running(); });
      case Order::peer_first:
        return then(peer_, sockx_, "sockx has everything", [&] { return sockx_.has_heard(cell_.peer_size); });
      case Order::peer_hears_end:
        return then(sockx_, peer_, "the peer hears the end",
                    [&] { return has_heard_end(peer_.process()) || !peer_.process().is_running(); });
      case Order::sockx_hears_end:
        return then(peer_, sockx_, "the output of sockx ends",
                    [&] { return sockx_.process().out_has_ended(); });
      case Order::peer_leaves:
        return then(peer_, sockx_, "the peer leaves", [] { return false; });
      case Order::sockx_alone:
        return sockx_.speak();
      case Order::peer_alone:
        return peer_.speak();
    }
  }

  const PeerProgram& program_;
  Cell cell_;
  Folder folder_;
  Side sockx_, peer_;
};

}  // namespace

std::string Cell::name() const {
  const auto input = [](Input kind, std::size_t size) {
    if (kind == Input::null) return std::string("/dev/null");
    return std::to_string(size) + " bytes from a " + (kind == Input::file ? "file" : "pipe");
  };
  constexpr std::array families{"IPv4", "IPv6", "unix"};
  constexpr std::array orders{"both at once",
                              "sockx first",
                              "the peer first",
                              "the peer once it has heard sockx's end",
                              "sockx once it has heard the peer's end",
                              "sockx once the peer has left",
                              "only sockx, the peer's input stays open",
                              "only the peer, the input of sockx stays open"};
  return std::string("sockx ") + (role == Role::connect ? "connects" : "listens") + " over " +
         families.at(static_cast<std::size_t>(family)) + " and says " + input(sockx_input, sockx_size) +
         "; the peer " + input(peer_input, peer_size) + "; " + orders.at(static_cast<std::size_t>(order));
}

Outcome converse(const PeerProgram& peer, const Cell& cell, Words command, std::chrono::milliseconds limit) {
  if (command.empty() || command.front().starts_with("-"))
    command.insert(command.begin(), cell.role == Role::connect ? "connect" : "listen");
  for (int tries = 1;; ++tries) {
    Conversation conversation(peer, cell);
    try {
      return conversation.run(command, limit);
    } catch (const std::exception& error) {
      if (tries < 3) continue;
      throw std::runtime_error(cell.name() + "\n" + conversation.commands() + "\n" + error.what());
    }
  }
}

namespace {

void check_ends(const Outcome& outcome) {
  INFO("stderr of sockx: ", outcome.sockx_err);
  CHECK(outcome.sockx == exited(0));
  CHECK(outcome.peer == exited(0));
  CHECK_FALSE(outcome.left_others);
}

}  // namespace

void check_whole(const Outcome& outcome) {
  INFO(outcome.commands);
  CHECK(difference(outcome.at_peer, outcome.from_sockx) == "");
  CHECK(difference(outcome.at_sockx, outcome.from_peer) == "");
  check_ends(outcome);
}

void check_cut_short(const Outcome& outcome) {
  INFO(outcome.commands);
  CHECK(difference(outcome.at_peer, outcome.from_sockx) == "");
  CHECK(outcome.from_peer.starts_with(outcome.at_sockx));
  check_ends(outcome);
}

}  // namespace test
