#include "own_network.hpp"

#include <doctest/doctest.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "../support/files.hpp"
#include "../support/peer.hpp"

namespace test {

namespace {

void check(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), call);
}

void bring_loopback_up() {
  const UniqueFd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  check(ioctl(any.get(), SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
}

void enter_namespaces(const Folder& folder, const std::string& hosts_file) {
  const auto user = std::to_string(geteuid()), group = std::to_string(getegid());
  if (geteuid() == 0) {
    check(unshare(CLONE_NEWNS), "unshare");
  } else {
    check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + user + " 1");
    write_file("/proc/self/gid_map", "0 " + group + " 1");
  }
  check(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount");
  const auto replace = [&](const std::string& name, const std::string& content) {
    if (!fs::exists("/etc/" + name)) return;
    const auto ours = write_file(folder / name, content);
    check(mount(ours.c_str(), ("/etc/" + name).c_str(), nullptr, MS_BIND, nullptr), "mount");
  };
  replace("hosts", hosts_file);
  replace("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n");
}

/// The child: result i is written as "i SIZE\nTEXT".
void work(int out, std::size_t threads, const std::vector<std::function<std::string()>>& jobs) {
  std::atomic<std::size_t> next = 0;
  std::mutex writing;
  const auto tell = [&](std::size_t index, const std::string& result) {
    const auto record = std::to_string(index) + ' ' + std::to_string(result.size()) + '\n' + result;
    const std::lock_guard lock(writing);
    for (std::size_t done = 0; done < record.size();) {
      const auto put = write(out, record.data() + done, record.size() - done);
      if (put < 0) _exit(1);
      done += static_cast<std::size_t>(put);
    }
  };
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < threads; ++i)
    workers.emplace_back([&] {
      check(unshare(CLONE_NEWNET), "unshare");
      bring_loopback_up();
      for (std::size_t job = next++; job < jobs.size(); job = next++) tell(job, jobs[job]());
    });
  for (auto& worker : workers) worker.join();
}

}  // namespace

std::vector<std::string> run_in_own_networks(const std::string& hosts, std::size_t threads,
                                             const std::vector<std::function<std::string()>>& jobs) {
  const Folder folder;
  int ends[2];
  check(pipe2(ends, O_CLOEXEC), "pipe2");
  UniqueFd results(ends[0]), told(ends[1]);
  const auto child = fork();
  check(child, "fork");
  if (child == 0) {
    try {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      setsid();
      enter_namespaces(folder, hosts);
      work(told.get(), threads, jobs);
      _exit(0);
    } catch (const std::exception& error) {
      dprintf(STDERR_FILENO, "%s\n", error.what());
      _exit(1);
    }
  }
  told.reset();
  std::string text;
  std::vector<char> buffer(64 * 1024);
  for (ssize_t got = 0; (got = read(results.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  int status = 0;
  check(waitpid(child, &status, 0), "waitpid");
  if (status != 0 && text.empty()) {
    MESSAGE("skipped: no namespaces");
    return {};
  }
  REQUIRE(status == 0);
  std::vector<std::string> all(jobs.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t used = 0;
    const auto index = std::stoul(text.substr(at, 20), &used);
    at += used + 1;
    const auto size = std::stoul(text.substr(at, 20), &used);
    at += used + 1;
    all.at(index) = text.substr(at, size);
    at += size;
  }
  return all;
}

}  // namespace test
