#include "commands/shared/lobby.hpp"

#include <algorithm>

#include "commands/shared/verified.hpp"
#include "transfer/verified/greeting.hpp"

namespace sockx {

using namespace std::chrono_literals;

namespace {

constexpr Duration time_in_lobby = 10s;

}  // namespace

Task<bool> Lobby::takes(Connection& connection) {
  const auto limit = after(time_in_lobby);
  const auto hello = co_await peek_hello(connection.socket, limit);
  if (!hello || hello->stream == 0) co_return false;
  const auto guest = guests_.insert(guests_.end(), {hello->session, std::move(connection)});
  changed_.notify();
  while (!guest->is_taken) {
    const bool in_time = co_await changed_.wait(limit);
    if (!in_time) break;
  }
  if (!guest->is_taken)
    context_.log.warn("{} belongs to no transfer here, and is dropped", guest->connection.peer.to_string());
  guests_.erase(guest);
  co_return true;
}

Task<PeerSocket> Lobby::next(SessionId session) {
  const auto is_ours = [&](const Guest& guest) { return !guest.is_taken && guest.session == session; };
  for (;;) {
    const auto guest = std::ranges::find_if(guests_, is_ours);
    if (guest != guests_.end()) {
      guest->is_taken = true;
      changed_.notify();
      co_return peer_socket(std::move(guest->connection));
    }
    co_await changed_.wait();
  }
}

LaneMeeting::LaneMeeting(EventLoop& loop, Context& context, ProgressBoard& board, const MeetingFlags& flags,
                         std::vector<std::string> words, TimeLimits limits, Deadline deadline)
    : context_(context),
      listens_(flags.listens),
      meeting_(context, board, flags, std::move(words), limits, deadline),
      lobby_(loop, context),
      admissions_(loop) {}

Task<Connection> LaneMeeting::first() { return meeting_.next(); }

Task<PeerSocket> LaneMeeting::next(SessionId session) {
  if (!listens_) {
    auto dialed = co_await meeting_.next();
    co_return peer_socket(std::move(dialed));
  }
  std::optional<PeerSocket> found;
  std::vector<Task<>> tasks;
  tasks.push_back(find(session, found));
  tasks.push_back(accept_all());
  co_await any(std::move(tasks));
  co_return std::move(*found);
}

Task<> LaneMeeting::find(SessionId session, std::optional<PeerSocket>& found) {
  auto connection = co_await lobby_.next(session);
  found = std::move(connection);
}

Task<> LaneMeeting::accept_all() {
  for (;;) {
    auto connection = co_await meeting_.next();
    admissions_.spawn(admit(std::move(connection)));
  }
}

Task<> LaneMeeting::admit(Connection connection) {
  const bool is_of_a_session = co_await lobby_.takes(connection);
  if (!is_of_a_session)
    context_.log.warn("{} does not belong to this transfer, and is dropped", connection.peer.to_string());
}

}  // namespace sockx
