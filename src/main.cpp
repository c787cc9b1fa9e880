// sockx: the BSD socket interface, usable from a shell.
#include "app/app.hpp"
#include "commands/stream/proxy_flags.hpp"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  sockx::blank_credentials({argv, argv + argc});
  return sockx::run_app(words);
}
