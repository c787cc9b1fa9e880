// Names from the network: what is accepted stays below the folder, however it is read, and cannot draw on a
// terminal.
#include "transfer/verified/received_name.hpp"

#include <filesystem>

#include "support.hpp"

using namespace sockx;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto name = fuzz::string_of(std::as_bytes(std::span(data, size)));
  const auto fault = fault_of_name(name);
  if (!fault.empty()) {
    assert(one_line(fault) == fault);
    return 0;
  }
  const std::filesystem::path path(name);
  assert(path.is_relative() && !name.ends_with('/') && name.find('\0') == std::string::npos);
  assert(path.lexically_normal().string() == name);
  const auto within = ("/folder" / path).lexically_normal().lexically_relative("/folder");
  assert(within == path && *within.begin() != "..");
  assert(name.size() <= 4096 && std::distance(path.begin(), path.end()) <= 128);
  for (const auto& part : path) assert(part.string().size() <= 255);
  for (const char letter : name) assert(static_cast<unsigned char>(letter) >= ' ' && letter != '\x7f');
  return 0;
}
