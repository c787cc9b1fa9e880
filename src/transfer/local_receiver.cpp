#include "transfer/local_receiver.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <stdexcept>

namespace sockx {

LocalReceiver::LocalReceiver(EventLoop& loop)
    : child_({own_program(), "--json", "recv-file", "--discard", "--keep-open", "127.0.0.1", "0"},
             {.dies_with_us = true}),
      output_(loop, child_.take_output(), "the receiver", Origin::child) {}

Task<Endpoint> LocalReceiver::endpoint() {
  const auto line = co_await next_line();
  const auto event = nlohmann::json::parse(line);
  co_return Endpoint{HostPort{"127.0.0.1", event.at("port").get<std::uint16_t>()}};
}

Task<LocalReceiver::Total> LocalReceiver::next_total() {
  for (;;) {
    const auto line = co_await next_line();
    const auto event = nlohmann::json::parse(line);
    if (event.at("event") != "received") continue;
    Total total;
    event.at("bytes").get_to(total.bytes);
    event.at("user_seconds").get_to(total.cost.usage.user);
    event.at("system_seconds").get_to(total.cost.usage.system);
    event.at("system_calls").get_to(total.cost.system_calls);
    event.at("voluntary_switches").get_to(total.cost.usage.voluntary_switches);
    event.at("involuntary_switches").get_to(total.cost.usage.involuntary_switches);
    co_return total;
  }
}

Task<std::string> LocalReceiver::next_line() {
  std::array<std::byte, 4096> buffer;
  for (;;) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      auto line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      co_return line;
    }
    const auto got = output_.read_some(buffer);
    if (got.state == IoResult::State::eof) throw std::runtime_error("the receiver started here has ended");
    if (got.state == IoResult::State::again) {
      co_await output_.readable();
    }
    unread_.append(reinterpret_cast<const char*>(buffer.data()), got.bytes);
  }
}

}  // namespace sockx
