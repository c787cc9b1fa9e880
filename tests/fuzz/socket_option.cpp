// Socket options: a setting has the bytes of its type, means the same in any case, and does no harm to a
// socket.
#include "net/option/socket_option.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>

#include "os/unique_fd.hpp"
#include "support.hpp"

using namespace sockx;

namespace {

using Type = OptionType;
using Phase = SocketOption::Phase;

template <class Value>
Value value_of(const OptionSetting& setting) {
  assert(setting.bytes.size() == sizeof(Value));
  Value value;
  std::memcpy(&value, setting.bytes.data(), sizeof value);
  return value;
}

void check_bytes(const OptionSetting& setting) {
  switch (setting.option->type) {
    case Type::integer:
      if (!setting.value.starts_with("0x"))
        assert(std::to_string(value_of<int>(setting)) ==
               std::to_string(std::strtoll(setting.value.c_str(), nullptr, 10)));
      break;
    case Type::boolean:
      assert(value_of<int>(setting) == 0 || value_of<int>(setting) == 1);
      break;
    case Type::linger:
      assert(value_of<linger>(setting).l_onoff <= 1 && value_of<linger>(setting).l_linger >= 0);
      break;
    case Type::timeval:
      assert(value_of<timeval>(setting).tv_sec >= 0);
      assert(value_of<timeval>(setting).tv_usec >= 0 && value_of<timeval>(setting).tv_usec < 1'000'000);
      break;
    case Type::text:
      assert(setting.bytes == setting.value);
      break;
    default:  // option_value.cpp knows them all
      break;
  }
}

/// The kernel may refuse, which is an Error or a BadInput that quotes the setting; what it takes, it gives
/// back.
void check_on_a_socket(const OptionSetting& setting) {
  if (setting.option->type == Type::text) return;    // TCP_CONGESTION loads modules
  if (setting.option->phase == Phase::none) return;  // memberships are announced to the network
  const UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  try {
    apply(socket.get(), {setting}, setting.option->phase);
  } catch (const BadInput& refusal) {
    assert(fuzz::quotes(refusal.what(), setting.word));
    return;
  } catch (const Error& error) {
    assert(error.number() != EFAULT && error.number() != EBADF);
    return;
  }
  if (setting.option->type != Type::linger) return;
  linger taken{};
  socklen_t size = sizeof taken;
  assert(getsockopt(socket.get(), setting.option->level, setting.option->number, &taken, &size) == 0);
  const auto asked = value_of<linger>(setting);
  assert(taken.l_onoff == asked.l_onoff && (taken.l_onoff == 0 || taken.l_linger == asked.l_linger));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto word = fuzz::word_of(data, size);
  const auto setting = fuzz::accepted(word, [&] { return OptionSetting::parse(word); });
  if (!setting) return 0;
  const auto equals = word.find('=');
  assert(setting->word == word && setting->value == word.substr(equals + 1));
  check_bytes(*setting);
  const auto again = OptionSetting::parse(std::string(setting->option->name) + word.substr(equals));
  assert(again.option == setting->option && again.bytes == setting->bytes);
  check_on_a_socket(*setting);
  return 0;
}
