#include "injector.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "real_calls.hpp"

namespace faults {

namespace {

constexpr int most_descriptors = 1024;

struct Registration {
  int epoll, fd;
  epoll_event event;
};

/// All that the injector knows. Never destroyed: calls are made until the very end.
struct State {
  std::mutex mutex;  // getaddrinfo(3) runs on a thread, and some writing
  std::string key, fault;
  unsigned number = 0;
  bool goes_on = false, is_child = false;
  int report = -1;
  std::map<std::string, unsigned> counts;
  std::vector<Registration> registrations;
  std::map<int, int> dead;                       // connections, and the errors that wait on them
  std::vector<std::pair<dev_t, ino_t>> written;  // files
  std::array<bool, most_descriptors> open_at_start{};
};

State& state() {
  static State& only = *new State;
  return only;
}

void tell(const std::string& line) {
  if (state().report < 0) return;
  [[maybe_unused]] const auto written = __real_write(state().report, line.data(), line.size());
}

int error_named(std::string_view name) {
  if (name == "EAI_AGAIN") return EAI_AGAIN;
  if (name == "EAI_MEMORY") return EAI_MEMORY;
  for (int number = 1; number < 140; ++number)
    if (const char* const known = strerrorname_np(number); known != nullptr && name == known) return number;
  std::fprintf(stderr, "injector: no such fault: %.*s\n", static_cast<int>(name.size()), name.data());
  std::abort();
}

bool is_open(int fd) { return __real_fcntl(fd, F_GETFD) >= 0; }

void tell_end() {
  for (int fd = 3; fd < most_descriptors; ++fd) {
    if (state().open_at_start[static_cast<std::size_t>(fd)] || !is_open(fd)) continue;
    std::array<char, PATH_MAX> target{};
    const auto link = "/proc/self/fd/" + std::to_string(fd);
    [[maybe_unused]] const auto length = readlink(link.c_str(), target.data(), target.size() - 1);
    tell("open " + std::to_string(fd) + ' ' + target.data() + '\n');
  }
}

[[gnu::constructor]] void begin() {
  const char* const report = std::getenv("SOCKX_FAULT_REPORT");
  if (report == nullptr) return;
  state().report = std::atoi(report);
  for (int fd = 0; fd < most_descriptors; ++fd)
    state().open_at_start[static_cast<std::size_t>(fd)] = is_open(fd);
  std::atexit(tell_end);  // after everything that is destroyed at exit
  // Another thread may hold the mutex at a fork: the child would wait for ever.
  pthread_atfork([] { state().mutex.lock(); }, [] { state().mutex.unlock(); },
                 [] { state().mutex.unlock(); });
  const char* const asked = std::getenv("SOCKX_FAULT");
  if (asked == nullptr) return;
  const std::string words = asked;
  const auto first = words.find(':'), second = words.find(':', first + 1);
  state().key = words.substr(0, first);
  const auto number = words.substr(first + 1, second - first - 1);
  state().number = static_cast<unsigned>(std::stoul(number));
  state().goes_on = number.ends_with('+');
  state().fault = words.substr(second + 1);
}

bool is_connection(int fd) {
  if (fd < 0) return false;
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

/// `is_connected`: whether there is a connection at `to`; one that both have ended cannot be reset any more.
bool fits(const Call& call, bool is_connected) {
  const auto& fault = state().fault;
  if (fault == "EAGAIN") return !call.may_wait;
  if (fault == "ENOTCONN") return is_connected;
  return (fault != "short" && fault != "half") || call.size > 1;
}

void make_ready_anew(int fd) {
  for (auto& [epoll, registered, event] : state().registrations)
    if (registered == fd) __real_epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
}

/// The peer gets a reset, as far as the family knows one.
void kill_connection(int fd, int pending) {
  state().dead[fd] = pending;
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (__real_connect(fd, &nobody, sizeof nobody) != 0) __real_shutdown(fd, SHUT_RDWR);
  make_ready_anew(fd);
}

bool is_end_of_a_connection(int error) {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == EHOSTUNREACH ||
         error == ENOTCONN;
}

}  // namespace

Fault meet(const Call& call) {
  auto& all = state();
  const std::lock_guard lock(all.mutex);
  if (all.report < 0) return {};
  const auto key = all.is_child ? "child/" + call.key : call.key;
  const bool sends_on_connection = is_connection(call.to);  // looked at once: the peer may end it meanwhile
  const auto count = fits(call, sends_on_connection) ? ++all.counts[key] : 0;
  if (count == 1) tell("met " + key + '\n');
  const bool is_meant = count == all.number || (all.goes_on && count > all.number);
  if (key != all.key || !is_meant) return {};
  tell("reached\n");
  if (all.fault == "slow") {
    usleep(100'000);
    return {};
  }
  const bool is_less = all.fault == "short" || all.fault == "half";
  for (const int fd : {call.from, call.to})
    if (is_less || all.fault == "EAGAIN" || all.fault == "nothing") make_ready_anew(fd);
  if (is_less) return {Fault::Kind::fewer, 0, all.fault == "short" ? 1 : call.size / 2};
  if (all.fault == "nothing") return {Fault::Kind::nothing, 0, 0};
  const int error = error_named(all.fault);
  const bool waits = error == ENOTCONN;  // shutdown(2) says that there is no connection, and not why
  if (is_end_of_a_connection(error)) {
    if (error != EPIPE && is_connection(call.from)) kill_connection(call.from, waits ? ECONNRESET : 0);
    if (sends_on_connection) kill_connection(call.to, waits ? ECONNRESET : 0);
  }
  return {Fault::Kind::error, error, 0};
}

std::optional<DeadAnswer> answer_of_dead(const Call& call) {
  const std::lock_guard lock(state().mutex);
  auto& dead = state().dead;
  for (const int fd : {call.from, call.to}) {
    const auto found = dead.find(fd);
    if (found == dead.end()) continue;
    if (found->second != 0) return DeadAnswer{false, std::exchange(found->second, 0)};
    return DeadAnswer{fd == call.from, EPIPE};
  }
  return {};
}

int take_pending_error(int fd) {
  const std::lock_guard lock(state().mutex);
  const auto found = state().dead.find(fd);
  return found == state().dead.end() ? 0 : std::exchange(found->second, 0);
}

void note_registration(int epoll, int operation, int fd, const void* event) {
  const std::lock_guard lock(state().mutex);
  auto& all = state().registrations;
  if (operation == EPOLL_CTL_ADD) all.push_back({epoll, fd, *static_cast<const epoll_event*>(event)});
  if (operation == EPOLL_CTL_DEL)
    std::erase_if(all, [&](const auto& one) { return one.epoll == epoll && one.fd == fd; });
}

void note_close(int fd) {
  const std::lock_guard lock(state().mutex);
  state().dead.erase(fd);
}

void note_child() { state().is_child = true; }

void note_written(int fd) {
  struct stat file {};
  __real_fstat(fd, &file);
  const std::pair name{file.st_dev, file.st_ino};
  const std::lock_guard lock(state().mutex);
  auto& all = state().written;
  if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
}

bool is_first_close_of_written(int fd) {
  struct stat file {};
  if (__real_fstat(fd, &file) != 0) return false;
  const std::lock_guard lock(state().mutex);
  return std::erase(state().written, std::pair{file.st_dev, file.st_ino}) > 0;
}

std::string kind_of(int fd) {
  struct stat status {};
  if (__real_fstat(fd, &status) != 0) return "other";
  if (S_ISREG(status.st_mode)) return "file";
  if (S_ISDIR(status.st_mode)) return "folder";
  if (S_ISFIFO(status.st_mode)) return "pipe";
  if (S_ISCHR(status.st_mode)) return "device";
  if (!S_ISSOCK(status.st_mode)) return "other";
  int type = 0, listens = 0;
  socklen_t size = sizeof type;
  __real_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
  if (listens != 0) return "listener";
  __real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
  return type == SOCK_SEQPACKET ? "records" : "socket";
}

}  // namespace faults
