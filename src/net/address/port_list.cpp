#include "net/address/port_list.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/words.hpp"
#include "net/address/endpoint.hpp"

namespace sockx {

namespace {

std::uint16_t parse_scanned_port(const std::string& word, const std::string& piece) {
  const auto port = parse_port(word);
  if (port == 0) throw BadInput(text("'{}': port 0 cannot be connected to: say 1 to 65535", piece));
  return port;
}

}  // namespace

std::vector<std::uint16_t> parse_port_list(const std::string& list) {
  std::set<std::uint16_t> ports;
  for (const auto& piece : split_list(list)) {
    const auto dash = piece.find('-');
    const auto low = piece.substr(0, dash), high = dash == std::string::npos ? low : piece.substr(dash + 1);
    if (piece.empty())
      throw BadInput(
          text("'{}': a port is missing: say them with commas between, like 22,80,8000-8100", list));
    const bool is_range = dash != std::string::npos && (is_all_digits(low) || is_all_digits(high));
    if (is_range && !(is_all_digits(low) && is_all_digits(high)))
      throw BadInput(text("'{}': a range of ports is two numbers, like 8000-8100", piece));
    const unsigned first = parse_scanned_port(is_range ? low : piece, piece);  // a name may have a dash
    const unsigned last = is_range ? parse_scanned_port(high, piece) : first;
    if (first > last) throw BadInput(text("'{}': the range runs backwards: say {}-{}", piece, last, first));
    for (unsigned port = first; port <= last; ++port)
      ports.insert(ports.end(), static_cast<std::uint16_t>(port));
  }
  return {ports.begin(), ports.end()};
}

std::string show_port_list(const std::vector<std::uint16_t>& ports) {
  std::string shown;
  for (std::size_t i = 0; i < ports.size();) {
    std::size_t last = i;
    while (last + 1 < ports.size() && ports[last + 1] == ports[last] + 1) ++last;
    shown += shown.empty() ? "" : ", ";
    shown += last == i ? text("{}", ports[i]) : text("{}-{}", ports[i], ports[last]);
    i = last + 1;
  }
  return shown;
}

}  // namespace sockx
