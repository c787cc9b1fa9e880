#include "net/stream/socket_file.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>

#include "../../support/files.hpp"
#include "flow/task_group.hpp"
#include "net/stream/listen.hpp"

using namespace sockx;

namespace {

Task<> bind_to(Endpoint endpoint, bool& is_bound) {
  ListenerOptions options;
  const auto listener = co_await listen_on(std::move(endpoint), std::move(options));
  is_bound = true;
}

Task<> bind_while_locked(const std::string& folder) {
  UniqueFd holder(open((folder + "/.sockx-socket.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(flock(holder.get(), LOCK_EX) == 0);
  TaskGroup group(co_await this_loop());
  bool is_bound = false;
  auto endpoint = Endpoint::parse({"unix:" + folder + "/socket"}, Endpoint::Role::listening);
  group.spawn(bind_to(std::move(endpoint), is_bound));
  CHECK_FALSE(is_bound);
  holder.reset();
  co_await group.join();
  CHECK(is_bound);
}

}  // namespace

TEST_CASE("socket file: while another program holds the lock of the name, the loop goes on") {
  const test::Folder folder;
  EventLoop loop;
  loop.run(bind_while_locked(folder.path()));
  CHECK(folder.size() == 0);
}
