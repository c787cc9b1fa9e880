// daytime: one line with the time, and the end.
#include <ctime>

#include "serve/handler.hpp"

namespace sockx {

namespace {

/// In the form that RFC 867 shows first.
std::string time_of_day() {
  const auto now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char line[80] = "";
  std::strftime(line, sizeof line, "%A, %B %d, %Y %T-%Z\r\n", &local);
  return line;
}

class Daytime : public Handler {
 public:
  Task<> serve(Client& client) override {
    const auto line = time_of_day();
    co_await client.send_all(std::as_bytes(std::span(line)));
    co_await client.finish();
  }
};

}  // namespace

std::unique_ptr<Handler> make_daytime() { return std::make_unique<Daytime>(); }

}  // namespace sockx
