// Joins clients to a chat server, lets them say lines, and counts the lines that come back to them.
//
//   chat_load PORT CLIENTS LINES IN_FLIGHT
//
// LINES in all, said in turn by one client after another, at most IN_FLIGHT of them on their way to all. A
// server may send a line back to who has said it, or not: both are understood. Prints one line: the lines
// that were delivered, the seconds that took, and the processor time of this program in them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

struct Client {
  int fd = -1;
  std::size_t marked = 0;  // lines heard that a client of this program has said
};

constexpr std::string_view line = "~ forty bytes, as somebody may type them\n";
constexpr char mark = '~';  // once in each line, and in none of a server's own

[[noreturn]] void fail(const char* call) {
  std::perror(call);
  std::exit(1);
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

class Load {
 public:
  Load(std::uint16_t port, std::size_t clients, std::size_t lines, std::size_t in_flight)
      : lines_(lines), in_flight_(in_flight), epoll_(epoll_create1(EPOLL_CLOEXEC)), clients_(clients) {
    for (auto& client : clients_) join(client, port);
  }

  /// Until what one says is heard by all others, and nothing is on its way. A server may take a while to let
  /// all in.
  void settle() {
    for (bool all_hear = false; !all_hear;) {
      for (auto& client : clients_) client.marked = 0;
      say(0);
      while (take_turn(200)) continue;
      all_hear = std::all_of(clients_.begin() + 1, clients_.end(),
                             [](const Client& client) { return client.marked == 1; });
    }
    echoes_ = clients_.front().marked == 1;
    delivered_ = 0;
  }

  void run() {
    const auto expected = lines_ * (clients_.size() - (echoes_ ? 0 : 1));
    std::size_t said = 0;
    while (delivered_ < expected) {
      const auto arrived = delivered_ / (clients_.size() - (echoes_ ? 0 : 1));
      while (said < lines_ && said < arrived + in_flight_) say(said++ % clients_.size());
      take_turn(-1);
    }
  }
  std::size_t delivered() const { return delivered_; }

 private:
  void join(Client& client, std::uint16_t port) {
    client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(client.fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event) != 0) fail("epoll_ctl");
  }

  void say(std::size_t speaker) {
    const auto put = send(clients_[speaker].fd, line.data(), line.size(), MSG_NOSIGNAL);
    if (put != static_cast<ssize_t>(line.size())) fail("send");
  }

  /// False when nothing came in time.
  bool take_turn(int milliseconds) {
    epoll_event events[256];
    const int count = epoll_wait(epoll_, events, 256, milliseconds);
    if (count < 0) fail("epoll_wait");
    static char buffer[256 * 1024];
    for (int i = 0; i < count; ++i) {
      auto& client = *static_cast<Client*>(events[i].data.ptr);
      const auto got = recv(client.fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got <= 0) fail("recv: the server has ended a connection");
      const auto lines = static_cast<std::size_t>(std::count(buffer, buffer + got, mark));
      client.marked += lines;
      delivered_ += lines;
    }
    return count > 0;
  }

  std::size_t lines_, in_flight_, delivered_ = 0;
  bool echoes_ = false;
  int epoll_;
  std::vector<Client> clients_;
};

}  // namespace

int main(int count, char** words) {
  if (count != 5) {
    std::fprintf(stderr, "chat_load PORT CLIENTS LINES IN_FLIGHT\n");
    return 2;
  }
  const auto number = [&](int i) { return std::strtoul(words[i], nullptr, 10); };
  Load load(static_cast<std::uint16_t>(number(1)), number(2), number(3), number(4));
  load.settle();
  const auto begin = seconds_now(), processor_begin = processor_seconds();
  load.run();
  std::printf("%zu %.6f %.6f\n", load.delivered(), seconds_now() - begin,
              processor_seconds() - processor_begin);
}
