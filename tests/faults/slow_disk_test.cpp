#include <doctest/doctest.h>

#include "../support/peer.hpp"
#include "../support/sockx.hpp"
#include "../support/subject.hpp"

using namespace test;

namespace {

/// The sizes in the lines of --trace that begin with `call`: the largest of the numbers among the arguments.
std::vector<unsigned long> sizes_asked(const std::string& trace, const std::string& call) {
  std::vector<unsigned long> sizes;
  for (const auto& line : lines_of(trace)) {
    if (!line.starts_with(call + '(')) continue;
    std::istringstream arguments(line.substr(call.size() + 1, line.find(')') - call.size() - 1));
    unsigned long largest = 0;
    for (std::string word; arguments >> word;)
      if (std::isdigit(static_cast<unsigned char>(word.front())) != 0)
        largest = std::max(largest, std::stoul(word));
    sizes.push_back(largest);
  }
  return sizes;
}

struct Row {
  std::string method, key, call;
};

}  // namespace

TEST_SUITE("faults: slow disks") {
  TEST_CASE("send-file: no call on a slow file is asked for more than 64 KiB, and the kernel reads no more") {
    const Folder folder;
    const auto content = noise(320 * 1024);
    const auto file = write_file(folder / "file", content);
    for (const auto& [method, key, call] :
         {Row{"sendfile", "sendfile@file>socket", "sendfile"}, Row{"splice", "splice@file>pipe", "splice"},
          Row{"read-write", "read@file", "read"}, Row{"mmap", "mmap@file", "mmap"}}) {
      CAPTURE(method);
      for (const bool is_slow : {true, false}) {
        PeerListener listener;
        Process::Options options;
        if (is_slow) options.environment = {"SOCKX_FAULT=" + key + ":1+:slow", "SOCKX_FAULT_REPORT=1"};
        Process sending({sockx_with_faults(), "--trace", "send-file", "--method", method, file, "127.0.0.1",
                         listener.port()},
                        options);
        auto peer = listener.accept();
        CHECK(difference(peer.receive_all(), content) == "");
        peer.close();
        check_end(sending, exited(0));
        if (is_slow) CHECK(contains(sending.out(), "reached"));
        const auto sizes = sizes_asked(sending.err(), method == "mmap" ? "send" : call);
        INFO(sending.err());
        REQUIRE(!sizes.empty());
        const auto largest = *std::max_element(sizes.begin(), sizes.end());
        CHECK((largest <= 64 * 1024) == (is_slow || method == "read-write"));
        CHECK(contains(sending.err(), "POSIX_FADV_RANDOM") == is_slow);
      }
    }
  }
}
