#include "commands/conversation/receive_once.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "flow/on_thread.hpp"
#include "os/message_flags.hpp"
#include "os/single_recv.hpp"

namespace sockx {

namespace {

/// Waits until poll(2) would report what the flags ask for. Whether the socket supports it is left to the
/// call.
Task<> wait_for_something(Stream& from, int flags) {
  if ((flags & MSG_DONTWAIT) != 0) co_return;
  if ((flags & MSG_OOB) != 0) {
    if (from.facts().kind == Descriptor::Kind::seqpacket) co_return;  // it has no urgent data
    co_await from.watch().urgent();
  } else if ((flags & MSG_ERRQUEUE) == 0) {
    co_await from.readable();
  }
}

/// A duplicate for a call on a thread, which cannot be stopped and may outlast the connection.
std::shared_ptr<const int> own_duplicate(int fd) {
  const int duplicate = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (duplicate < 0) throw_errno("dup");
  return {new int(duplicate), [](const int* number) {
            close(*number);
            delete number;
          }};
}

std::string outcome_of(const SingleRecv& result) {
  if (result.returned < 0) return text("-1 {} ({})", strerrorname_np(result.error), strerror(result.error));
  return text("{}{}", result.returned, result.flags == 0 ? "" : text(" ({})", message_flags(result.flags)));
}

void report_call(Context& context, const ConversationOptions& options, const SingleRecv& result) {
  const auto size = *options.recv_once;
  const auto asked = message_flags(options.recv_flags);
  std::vector<Field> fields{{"size", size}, {"flags", asked}, {"returned", result.returned}};
  if (result.returned < 0) {
    fields.push_back({"errno", result.error});
    fields.push_back({"error", strerrorname_np(result.error)});
  } else {
    fields.push_back({"returned_flags", message_flags(result.flags)});
  }
  context.report.result(text("recv {} {} = {}", size, asked, outcome_of(result)), "recv", fields);
}

}  // namespace

Task<> receive_once(Context& context, const ConversationOptions& options, Stream& from, Stream& to,
                    Stages stages, std::uint64_t& received) {
  co_await wait_for_something(from, options.recv_flags);
  const auto size = static_cast<std::size_t>(*options.recv_once);
  std::function<SingleRecv()> call = [socket = from.facts(), own = own_duplicate(from.facts().fd), size,
                                      flags = options.recv_flags]() mutable {
    socket.fd = *own;
    return recv_as_asked(socket, size, flags);
  };
  const bool may_block = (options.recv_flags & MSG_DONTWAIT) == 0 && from.facts().may_block;
  SingleRecv result;
  if (may_block) {
    auto answer = co_await on_thread<SingleRecv>(std::move(call));
    result = std::move(answer).value();
  } else {
    result = call();
  }
  observe(result, from.facts(), size, options.recv_flags);
  report_call(context, options, result);
  if (result.returned < 0) throw Error(result.error, text("recv {}", from.name()), from.facts().origin);
  pass_through(stages, result.bytes);
  co_await to.write_all(result.bytes);
  received += result.bytes.size();
}

}  // namespace sockx
