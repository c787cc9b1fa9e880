// A model of verified transfers: many of them, whose ends are killed and whose connections are cut anywhere,
// over one connection or several, by senders who have other files of the same names. Whatever happens, what
// has a name is what some sender has sent, a sender who has been told so is right, and at last everything
// arrives.
//
// SOCKX_MODEL_TRANSFERS says how many transfers there are to be (2000 take about a minute), SOCKX_MODEL_SEED
// which.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "ends.hpp"

using namespace sockx;
using namespace test;

namespace {

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : engine_(seed) {}
  /// Below `end`.
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool of(unsigned percent) { return below(100) < percent; }
  template <class T, std::size_t Size>
  T one_of(const T (&choices)[Size]) {
    return choices[below(Size)];
  }

 private:
  std::mt19937_64 engine_;
};

/// Somebody's files, by their names.
struct ModelSource {
  Folder folder;
  std::map<std::string, std::string> files;

  /// The time is one that no other has: by that and the size a receiver tells files apart.
  void write(const std::string& name, Chance& chance, time_t time) {
    static constexpr std::size_t sizes[]{0, 1, 3000, 70'000, 200'000, 1'048'577, 1'300'000, 2'400'000};
    auto content = noise(chance.one_of(sizes), chance.below(1'000'000));
    if (content.size() > 1'000'000 && chance.of(30)) content.replace(300'000, 500'000, 500'000, '\0');
    const auto path = folder / name;
    fs::remove(path);
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    for (std::size_t at = 0; at < content.size(); at += 100'000) {  // zeros are holes
      const auto piece = std::string_view(content).substr(at, 100'000);
      if (piece.find_first_not_of('\0') != std::string_view::npos)
        REQUIRE(pwrite(file.get(), piece.data(), piece.size(), static_cast<off_t>(at)) ==
                static_cast<ssize_t>(piece.size()));
    }
    REQUIRE(ftruncate(file.get(), static_cast<off_t>(content.size())) == 0);
    const timespec times[]{{time, 0}, {time, 0}};
    REQUIRE(futimens(file.get(), times) == 0);
    files[name] = std::move(content);
  }
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t default_transfers = 50;
#else
constexpr std::uint64_t default_transfers = 500;
#endif

enum class Verdict { good = 0, a_file_failed = 1, broken_off = 2, killed = 3 };

/// One end, in a process of its own.
class EndProcess {
 public:
  /// `run` has the ends of the connections that this process keeps.
  template <class Run>
  EndProcess(std::vector<UniqueFd> connections, Run run) {
    std::fflush(nullptr);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    alarm(60);
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {  // others are to see their ends
      const int fd = std::stoi(entry.path().filename());
      const auto is_it = [fd](const UniqueFd& one) { return one.get() == fd; };
      if (fd > 2 && std::ranges::none_of(connections, is_it)) set_close_on_end(fd);
    }
    for (const int fd : to_close_) close(fd);
    Verdict verdict = Verdict::broken_off;
    try {
      ignore_signals_that_calls_report();
      verdict = run(std::move(connections));
    } catch (...) {
    }
    _exit(static_cast<int>(verdict));
  }
  EndProcess(const EndProcess&) = delete;
  EndProcess& operator=(const EndProcess&) = delete;
  ~EndProcess() {
    if (!verdict_) kill();
    wait();
  }
  void kill() const { ::kill(pid_, SIGKILL); }
  Verdict wait() {
    if (verdict_) return *verdict_;
    int status = 0;
    REQUIRE(waitpid(pid_, &status, 0) == pid_);
    verdict_ = WIFEXITED(status) ? static_cast<Verdict>(WEXITSTATUS(status)) : Verdict::killed;
    return *verdict_;
  }

 private:
  void set_close_on_end(int fd) { to_close_.push_back(fd); }
  pid_t pid_ = -1;
  std::vector<int> to_close_;
  std::optional<Verdict> verdict_;
};

/// Gives one connection after the other, and then none.
class Connections {
 public:
  Connections(EventLoop& loop, std::vector<UniqueFd> fds) : loop_(loop), fds_(std::move(fds)) {}
  Connection next() {
    if (given_ == fds_.size()) throw std::runtime_error("there are no more connections");
    return connection(loop_, std::move(fds_[given_++]), "the other end");
  }

 private:
  EventLoop& loop_;
  std::vector<UniqueFd> fds_;
  std::size_t given_ = 0;
};

Verdict verdict_of(const TransferTally& tally) {
  return tally.first_failure ? Verdict::a_file_failed : Verdict::good;
}

Verdict run_sender(std::vector<UniqueFd> fds, VerifiedSendOptions options) {
  EventLoop loop;
  Connections connections(loop, std::move(fds));
  TransferTally tally;
  auto first = connections.next();
  const auto next = [&]() -> Task<Connection> { co_return connections.next(); };
  loop.run(send_verified(std::move(first), next, std::move(options), tally));
  return verdict_of(tally);
}

Verdict run_receiver(std::vector<UniqueFd> fds, VerifiedReceiveOptions options) {
  EventLoop loop;
  Connections connections(loop, std::move(fds));
  TransferTally tally;
  auto first = connections.next();
  const auto next = [&](SessionId) -> Task<Connection> { co_return connections.next(); };
  loop.run(receive_verified(std::move(first), next, std::move(options), tally));
  return verdict_of(tally);
}

enum class Mishap { none, sender_killed, receiver_killed, cut };

/// A sender, a receiver and all connections between them, which lead through this process.
class Transfer {
 public:
  Transfer(const ModelSource& source, const std::string& there, Chance& chance, Mishap mishap)
      : mishap_(mishap), mishap_at_(chance.below(3) == 0 ? chance.below(2000) : chance.below(3'000'000)) {
    const auto streams = static_cast<unsigned>(1 + chance.below(3));
    std::vector<UniqueFd> for_sender, for_receiver;
    for (unsigned i = 0; i < streams; ++i) {
      auto near = unix_pair(), far = unix_pair();
      for_sender.push_back(std::move(near.ours));
      for_receiver.push_back(std::move(far.theirs));
      ways_.push_back({near.theirs.get(), far.ours.get(), {}});
      ways_.push_back({far.ours.get(), near.theirs.get(), {}});
      kept_.push_back(std::move(near.theirs));
      kept_.push_back(std::move(far.ours));
    }
    VerifiedSendOptions sending;
    for (const auto& [name, content] : source.files) sending.paths.push_back(source.folder / name);
    sending.streams = streams;
    sending.compresses = chance.of(25);
    sending.digest = chance.of(25) ? DigestKind::sha256 : DigestKind::xxh3_128;
    VerifiedReceiveOptions receiving{.folder = there, .replaces = true};
    sender_.emplace(std::move(for_sender), [&](auto fds) { return run_sender(std::move(fds), sending); });
    receiver_.emplace(std::move(for_receiver),
                      [&](auto fds) { return run_receiver(std::move(fds), receiving); });
  }

  /// Carries bytes where there are some; false when nothing will come any more.
  bool carry() {
    std::vector<pollfd> waits;
    for (const auto& way : ways_) {
      if (way.from < 0) continue;
      const bool is_full = !way.bytes.empty();
      waits.push_back({is_full ? way.to : way.from, static_cast<short>(is_full ? POLLOUT : POLLIN), 0});
    }
    if (waits.empty()) return false;
    REQUIRE(poll(waits.data(), waits.size(), 60'000) > 0);
    for (auto& way : ways_)
      if (way.from >= 0) pass(way);
    return true;
  }

  Verdict sender() { return sender_->wait(); }
  Verdict receiver() { return receiver_->wait(); }

 private:
  struct Way {
    int from, to;  // none when it has ended
    std::string bytes;
  };

  void pass(Way& way) {
    if (way.bytes.empty()) {
      way.bytes.resize(64 * 1024);
      const auto got = recv(way.from, way.bytes.data(), way.bytes.size(), MSG_DONTWAIT);
      way.bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return end(way);
      carried_ += way.bytes.size();
      if (carried_ > mishap_at_) happen();
    }
    const auto put = ::send(way.to, way.bytes.data(), way.bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN) return end(way);
    way.bytes.erase(0, put < 0 ? 0 : static_cast<std::size_t>(put));
  }

  static void end(Way& way) {
    shutdown(way.to, SHUT_WR);
    shutdown(way.from, SHUT_RD);
    way.from = -1;
  }

  void happen() {
    switch (std::exchange(mishap_, Mishap::none)) {
      case Mishap::none:
        break;
      case Mishap::sender_killed:
        sender_->kill();
        break;
      case Mishap::receiver_killed:
        receiver_->kill();
        break;
      case Mishap::cut:
        for (const auto& fd : kept_) shutdown(fd.get(), SHUT_RDWR);
    }
  }

  Mishap mishap_;
  std::uint64_t mishap_at_, carried_ = 0;  // bytes
  std::vector<UniqueFd> kept_;
  std::vector<Way> ways_;
  std::optional<EndProcess> sender_, receiver_;
};

void run_all(std::list<Transfer>& transfers) {
  for (bool is_under_way = true; is_under_way;) {
    is_under_way = false;
    for (auto& transfer : transfers) is_under_way = transfer.carry() || is_under_way;
  }
}

class Story {
 public:
  explicit Story(Chance& chance) : chance_(chance), sources_(chance.of(30) ? 2 : 1) {
    const auto files = 1 + chance.below(3);
    for (auto& source : sources_)
      for (std::uint64_t i = 0; i < files; ++i) write(source, "file" + std::to_string(i));
  }

  /// Returns how many transfers there were.
  std::size_t tell() {
    std::size_t count = 0;
    for (auto attempts = chance_.below(4); attempts > 0; --attempts) {
      std::list<Transfer> transfers;
      for (auto& source : sources_) {
        static constexpr Mishap mishaps[]{Mishap::none, Mishap::sender_killed, Mishap::receiver_killed,
                                          Mishap::cut, Mishap::receiver_killed};
        transfers.emplace_back(source, there_.path(), chance_, chance_.one_of(mishaps));
      }
      run_all(transfers);
      count += transfers.size();
      auto source = sources_.begin();
      for (auto& transfer : transfers) check(*source++, transfer.sender(), transfer.receiver());
      if (chance_.of(20)) write(sources_.front(), "file0");
    }
    auto& source = sources_.front();
    std::list<Transfer> last;
    last.emplace_back(source, there_.path(), chance_, Mishap::none);
    run_all(last);
    CHECK(last.front().sender() == Verdict::good);
    CHECK(last.front().receiver() == Verdict::good);
    for (const auto& [name, content] : source.files)
      CHECK(difference(read_file(there_ / name), content) == "");
    if (sources_.size() == 1) CHECK(there_.size() == static_cast<std::ptrdiff_t>(source.files.size()));
    return count + 1;
  }

 private:
  void write(ModelSource& source, const std::string& name) {
    source.write(name, chance_, ++time_);
    written_[name].insert(source.files[name]);
  }

  void check(const ModelSource& source, Verdict sender, Verdict receiver) {
    for (const auto& [name, contents] : written_)
      if (fs::exists(there_ / name)) CHECK_MESSAGE(contents.contains(read_file(there_ / name)), name);
    for (const auto& entry : fs::directory_iterator(there_.path())) {
      const auto name = entry.path().filename().string();
      CHECK_MESSAGE((written_.contains(name) || name.starts_with(".sockx-")), name);
    }
    if (sender != Verdict::good) return;
    CHECK((receiver == Verdict::good || receiver == Verdict::killed));
    for (const auto& [name, content] : source.files) {
      REQUIRE_MESSAGE(fs::exists(there_ / name), name);
      if (sources_.size() == 1) CHECK(difference(read_file(there_ / name), content) == "");
    }
  }

  Chance& chance_;
  time_t time_ = 1'700'000'000;
  std::vector<ModelSource> sources_;
  Folder there_;
  std::map<std::string, std::set<std::string>> written_;  // whatever has been in a file of this name
};

std::uint64_t number_in(const char* name, std::uint64_t otherwise) {
  const auto* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::stoull(text);
}

}  // namespace

TEST_CASE(
    "verified: whatever is killed or cut, and whoever else sends, nothing wrong has a name, and all "
    "arrives") {
  const auto seed = number_in("SOCKX_MODEL_SEED", 1);
  const auto transfers = number_in("SOCKX_MODEL_TRANSFERS", default_transfers);
  std::uint64_t stories = 0;
  for (std::uint64_t told = 0; told < transfers; ++stories) {
    CAPTURE(seed);
    CAPTURE(stories);
    Chance chance(seed * 1'000'003 + stories);
    Story story(chance);
    told += story.tell();
  }
}
