// Messages and their frames: what is said is what is heard, and what is damaged is not heard at all.
#include "transfer/verified/wire.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "../../support/thrown.hpp"
#include "base/error.hpp"
#include "cli/exit_code.hpp"

using namespace sockx;
using test::thrown_by;

namespace {

SessionId session() {
  SessionId id;
  std::ranges::generate(id, [n = 0]() mutable { return std::byte(17 * n++); });
  return id;
}

/// One of each kind, and of those with most to say the largest.
std::vector<Message> examples() {
  Offer largest{0xffffffff, Offer::State::part, Status{255}, std::string(1000, 'r')};
  for (std::uint64_t i = 0; i < most_ranges; ++i) largest.have.push_back({i << 30, i + 1});
  for (std::uint64_t i = 0; i < most_samples; ++i)
    largest.samples.push_back({{i, largest_chunk}, std::string(32, static_cast<char>(i))});
  return {Hello{oldest_version, DigestKind::sha256, 3, 64, session(), 12, 1ULL << 40},
          Hello(),
          Welcome(),
          Entry{7, EntryKind::file, 0777, -1, 999'999'999, 1ULL << 62, "a/\xff b"},
          Entry{8, EntryKind::directory, 0, 1ULL << 33, 0, 0, std::string(longest_name, 'n')},
          Entry{},
          Entry{9, EntryKind::link, 0777, 0, 0, 0, "a/link", std::string(longest_target, 't')},
          Hello{newest_version},
          largest,
          Offer{1, Offer::State::unwanted, Status::incomplete, "it exists"},
          Restart{5},
          Chunk{6, Encoding::plain, {1ULL << 62, largest_chunk}, largest_chunk},
          Chunk{6, Encoding::zstd, {0, 2}, 1},
          End{9, 1ULL << 62, 1},
          Cancel{10, "it has gone"},
          Done{11},
          Finish(),
          Abort{Status::incomplete, "no room"},
          Abort{Status::other_failure, ""}};
}

std::string fault_of(const Message& message) {
  const auto frame = encode(message);
  const auto fault = thrown_by<Corrupt>([&] { decode(frame); });
  return fault ? fault->what() : "";
}

}  // namespace

TEST_CASE("wire: a status is sent as the exit status of that name") {
  const std::pair<Status, ExitCode> same[]{
      {Status::none, ExitCode::done},
      {Status::other_failure, ExitCode::other_failure},
      {Status::timed_out, ExitCode::timed_out},
      {Status::incomplete, ExitCode::incomplete},
      {Status::integrity_mismatch, ExitCode::integrity_mismatch},
      {Status::local_io, ExitCode::local_io},
  };
  for (const auto& [status, code] : same)
    CHECK(encode(Abort{status, "why"})[frame_header_size] == static_cast<char>(code));
}

TEST_CASE("wire: every message survives its frame") {
  for (const auto& message : examples()) {
    CAPTURE(message.index());
    const auto frame = encode(message);
    const auto header = decode_header(std::string_view(frame).substr(0, frame_header_size));
    CHECK(header.type == message.index() + 1);
    CHECK(frame.size() == frame_header_size + header.length + frame_digest_size);
    const auto heard = decode(frame);
    CHECK(heard.index() == message.index());
    CHECK(encode(heard) == frame);
  }
  const auto entry = std::get<Entry>(decode(encode(examples()[3])));
  CHECK(entry.id == 7);
  CHECK(entry.mode == 0777);
  CHECK(entry.seconds == -1);
  CHECK(entry.nanoseconds == 999'999'999);
  CHECK(entry.size == 1ULL << 62);
  CHECK(entry.name == "a/\xff b");
  const auto hello = std::get<Hello>(decode(encode(examples()[0])));
  CHECK(hello.session == session());
  CHECK(hello.digest == DigestKind::sha256);
  CHECK((hello.stream == 3 && hello.streams == 64 && hello.files == 12 && hello.bytes == 1ULL << 40));
}

TEST_CASE("wire: numbers are in network byte order, behind the header that sockx-transfer describes") {
  const auto frame = encode(End{0x01020304, 0x05060708090a0b0c, 0x0d});
  CHECK(frame.substr(0, 8) == std::string("sx\x07\0\0\0\0\x14", 8));
  CHECK(frame.substr(16, 20) == std::string("\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\0\0\0\0\0\0\0\xd", 20));
}

TEST_CASE("wire: a frame with one bit flipped is damaged, whichever bit it is") {
  for (const auto& message : examples()) {
    CAPTURE(message.index());
    const auto frame = encode(message);
    const std::size_t step = frame.size() < 2000 ? 1 : 97;  // bits
    std::size_t undetected = 0;
    for (std::size_t bit = 0; bit < frame.size() * 8; bit += step) {
      auto damaged = frame;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      if (!thrown_by<Corrupt>([&] { decode(damaged); })) ++undetected;
    }
    CHECK(undetected == 0);
  }
}

TEST_CASE("wire: a frame that is cut, or goes on, is none") {
  for (const auto& message : examples()) {
    const auto frame = encode(message);
    const std::size_t step = frame.size() < 2000 ? 1 : 97;
    for (std::size_t size = 0; size < frame.size(); size += step)
      CHECK(thrown_by<Corrupt>([&] { decode(std::string_view(frame).substr(0, size)); }));
    CHECK(thrown_by<Corrupt>([&] { decode(frame + '\0'); }));
    CHECK(thrown_by<Corrupt>([&] { decode(frame + frame); }));
  }
}

TEST_CASE("wire: what no end of a transfer says is refused, and why") {
  struct Case {
    Message message;
    std::string fault;
  };
  auto many_ranges = Offer{0, Offer::State::part};
  many_ranges.have.resize(most_ranges + 1);
  auto many_samples = Offer{0, Offer::State::part};
  many_samples.samples.resize(most_samples + 1);
  auto large_sample = Offer{0, Offer::State::part}, empty_sample = large_sample;
  large_sample.samples.push_back({{0, largest_chunk + 1}, std::string(16, 'd')});
  empty_sample.samples.push_back({{5, 0}, std::string(16, 'd')});
  Entry long_target;
  long_target.kind = EntryKind::link;
  long_target.target.assign(longest_target + 1, 't');
  auto long_digest = Offer{0, Offer::State::part};
  long_digest.samples.push_back({{0, 1}, std::string(33, 'd')});
  Entry long_name;
  long_name.name.assign(longest_name + 1, 'n');
  Entry set_user_id;
  set_user_id.mode = 04755;
  Entry whole_second;
  whole_second.nanoseconds = 1'000'000'000;
  Entry other_kind;
  other_kind.kind = EntryKind{4};
  Entry negative_size;
  negative_size.size = 1ULL << 63;
  Hello no_streams;
  no_streams.streams = 0;
  Hello beyond;
  beyond.stream = beyond.streams = 2;
  Hello other_digest;
  other_digest.digest = DigestKind{3};
  Hello many_streams;
  many_streams.streams = 65;
  const Case cases[]{
      {long_name, "4097 bytes where at most 4096"},
      {set_user_id, "a mode of 4755"},
      {whole_second, "1000000000 nanoseconds"},
      {other_kind, "has 4 where"},
      {negative_size, "9223372036854775808 bytes"},
      {no_streams, "connection 0 of 0"},
      {beyond, "connection 2 of 2"},
      {other_digest, "has 3 where"},
      {many_streams, "65 connections"},
      {many_ranges, "lists 2001 where at most 2000"},
      {many_samples, "lists 9 where at most 8"},
      {large_sample, "a sample of 4194305 bytes is none of 1 to 4194304"},
      {empty_sample, "a sample of 0 bytes"},
      {long_target, "4096 bytes where at most 4095"},
      {long_digest, "33 bytes where at most 32"},
      {Offer{0, Offer::State{5}}, "has 5 where"},
      {Chunk{0, Encoding::plain, {0, 0}, 0}, "a chunk of 0 bytes"},
      {Chunk{0, Encoding::plain, {0, largest_chunk + 1}, largest_chunk + 1}, "a chunk of 4194305 bytes"},
      {Chunk{0, Encoding::plain, {0, 10}, 9}, "10 bytes cannot be sent as 9"},
      {Chunk{0, Encoding::zstd, {0, 10}, 11}, "10 bytes cannot be sent as 11"},
      {Chunk{0, Encoding{2}, {0, 10}, 10}, "has 2 where"},
      {Chunk{0, Encoding::plain, {(1ULL << 63) - 5, 10}, 10}, "10 bytes at 9223372036854775803"},
      {Chunk{0, Encoding::plain, {~0ULL, 10}, 10}, "10 bytes at 18446744073709551615"},
      {End{0, 10, 11}, "a file of 10 bytes cannot have 11 of data"},
      {End{0, ~0ULL, 0}, "18446744073709551615 bytes"},
  };
  for (const auto& [message, fault] : cases) {
    CAPTURE(fault);
    CHECK(fault_of(message).find(fault) != std::string::npos);
  }
}

TEST_CASE("wire: of another version's greeting only the version is read") {
  Hello hello;
  hello.version = newest_version + 1;
  hello.streams = 0;  // which ours could not have
  CHECK(std::get<Hello>(decode(encode(hello))).version == newest_version + 1);
}

TEST_CASE("wire: a header of another type, of another length or of nothing we know is refused") {
  const auto header_with = [](std::size_t at, char byte) {
    auto header = encode(Finish()).substr(0, frame_header_size);
    header[at] = byte;
    auto check = xxh3_64(header.substr(0, 8));
    for (auto place = frame_header_size; place-- > 8; check >>= 8) header[place] = static_cast<char>(check);
    return header;
  };
  const auto is_refused = [](const std::string& header) {
    return thrown_by<Corrupt>([&] { decode_header(header); }).has_value();
  };
  CHECK_FALSE(is_refused(header_with(2, 10)));
  CHECK_FALSE(is_refused(header_with(5, 1)));  // 64 KiB
  CHECK(is_refused(header_with(0, 'S')));
  for (const int type : {0, 12, 99, 255}) CHECK(is_refused(header_with(2, static_cast<char>(type))));
  CHECK(is_refused(header_with(3, 1)));
  for (const std::size_t place : {4, 5}) CHECK(is_refused(header_with(place, 2)));
  for (const auto* const other : {"GET / HTTP/1.1\r\n", "SSH-2.0-OpenSSH_",
                                  "\x7f"
                                  "ELF\2\1\1............."})
    CHECK(is_refused(std::string(other).substr(0, frame_header_size)));
}
