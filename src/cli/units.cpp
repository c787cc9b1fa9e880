#include "cli/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "os/error.hpp"
#include "os/text.hpp"

namespace sockx {

namespace {

constexpr std::array size_units{Unit{"", 1},
                                Unit{"k", 1e3},
                                Unit{"K", 1e3},
                                Unit{"M", 1e6},
                                Unit{"G", 1e9},
                                Unit{"T", 1e12},
                                Unit{"Ki", 1024},
                                Unit{"Mi", 1048576},
                                Unit{"Gi", 1073741824},
                                Unit{"Ti", 1.099511627776e12}};

/// The largest unit that is not larger than the rate.
const Unit& rate_unit(double bytes_per_second) {
  static constexpr std::array units{Unit{"B/s", 1}, Unit{"kB/s", 1e3}, Unit{"MB/s", 1e6}, Unit{"GB/s", 1e9}};
  std::size_t chosen = 0;
  while (chosen + 1 < units.size() && bytes_per_second >= units[chosen + 1].factor) ++chosen;
  return units[chosen];
}

}  // namespace

std::uint64_t parse_size(const std::string& word) {
  std::string_view without_b = word;
  if (word.size() > 1 && word.ends_with('B')) without_b.remove_suffix(1);
  const auto value = parse_with_unit(without_b, size_units);
  if (!value || *value > 9e18)
    throw BadInput(
        text("'{}': a size is a number of bytes with k, M, G, Ki, Mi or Gi, like 64Ki or 10M", word));
  const char* const end = without_b.data() + without_b.size();
  std::uint64_t exact = 0;  // a double holds 53 bits; a plain number is read whole
  const auto [rest, error] = std::from_chars(word.data(), end, exact);
  if (error == std::errc() && rest == end) return exact;
  return static_cast<std::uint64_t>(std::llround(*value));
}

double seconds(Duration span) { return std::chrono::duration<double>(span).count(); }

std::string show_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return text("{} {}", bytes, bytes == 1 ? "byte" : "bytes");
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
  return text("{:.2f} {}", value, units[unit]);
}

std::string show_rate(double bytes_per_second) {
  const auto& [name, factor] = rate_unit(bytes_per_second);
  return text("{:.{}f} {}", bytes_per_second / factor, factor == 1 ? 0 : 2, name);
}

std::string show_rate_range(double middle, double lowest, double highest) {
  const auto factor = rate_unit(middle).factor;
  return text("{} ({:.2f}-{:.2f})", show_rate(middle), lowest / factor, highest / factor);
}

std::string show_duration(Duration span) {
  const double whole = seconds(span);
  if (whole < 100) return text("{:.3f} s", whole);
  const auto minutes = static_cast<long long>(whole) / 60;
  if (minutes < 100) return text("{} min {:02d} s", minutes, static_cast<long long>(whole) % 60);
  return text("{} h {:02d} min", minutes / 60, minutes % 60);
}

}  // namespace sockx
