#include "cli/units.hpp"

#include <array>
#include <string_view>

#include "base/text.hpp"

namespace sockx {

namespace {

/// The largest unit that is not larger than the rate.
const Unit& rate_unit(double bytes_per_second) {
  static constexpr std::array units{Unit{"B/s", 1}, Unit{"kB/s", 1e3}, Unit{"MB/s", 1e6}, Unit{"GB/s", 1e9}};
  std::size_t chosen = 0;
  while (chosen + 1 < units.size() && bytes_per_second >= units[chosen + 1].factor) ++chosen;
  return units[chosen];
}

}  // namespace

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
