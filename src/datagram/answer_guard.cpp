#include "datagram/answer_guard.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string_view>

#include "net/address/network_interface.hpp"

namespace sockx {

namespace {

constexpr std::size_t places = 4096;

/// echo, daytime, qotd, chargen, time: services of inetd(8) that answer every datagram.
constexpr std::array<std::uint32_t, 5> echo_ports{7, 13, 17, 19, 37};

}  // namespace

std::optional<FileIdentity> FileIdentity::of(const std::string& path) {
  struct stat status {};
  if (path.empty() || stat(path.c_str(), &status) != 0) return {};
  return FileIdentity{status.st_dev, status.st_ino};
}

AnswerGuard::AnswerGuard(const Address& local, AnswerRate rate)
    : local_(local), own_file_(FileIdentity::of(local.path())), rate_(rate), peers_(places) {}

AnswerRefusal AnswerGuard::judge_source(const Address& source) const {
  if (is_ours(source)) return AnswerRefusal::own_address;
  if (std::ranges::find(echo_ports, source.port()) != echo_ports.end()) return AnswerRefusal::echo_port;
  return AnswerRefusal::no;
}

AnswerRefusal AnswerGuard::judge(const Address& source, Clock::time_point now) {
  const auto refusal = judge_source(source);
  if (refusal != AnswerRefusal::no) return refusal;
  if (rate_.of_peer <= 0) return AnswerRefusal::no;
  auto& peer = use_of(source);
  const double of_all = rate_.of_peer * AnswerRate::peers;
  peer.age(rate_.of_peer, now);
  all_.age(of_all, now);
  constexpr double burst = AnswerRate::seconds_of_burst;
  if (peer.datagrams >= rate_.of_peer * burst || all_.datagrams >= of_all * burst) return AnswerRefusal::rate;
  peer.datagrams += 1;
  all_.datagrams += 1;
  return AnswerRefusal::no;
}

void AnswerGuard::Use::age(double rate, Clock::time_point now) {
  datagrams = std::max(0.0, datagrams - rate * std::max(0.0, seconds(now - when)));
  when = now;
}

bool AnswerGuard::is_ours(const Address& source) const {
  if (source.family() == AF_UNIX) {
    const bool has_name = source.size() > sizeof(sa_family_t);
    return has_name && (source == local_ || (own_file_ && FileIdentity::of(source.path()) == own_file_));
  }
  if (source.port() != local_.port()) return false;
  return source == local_ || (local_.is_any() && is_own_address(source));
}

AnswerGuard::Use& AnswerGuard::use_of(const Address& source) {
  return peers_[std::hash<std::string_view>{}(source.bytes()) % peers_.size()];
}

}  // namespace sockx
