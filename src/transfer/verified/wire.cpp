#include "transfer/verified/wire.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::string_view magic = "sx";
constexpr std::size_t checked_part = 8;  // of the header: its check covers these bytes
constexpr const char* no_frame = "no frame of a verified transfer begins here";

/// Puts numbers, and enums as their numbers, in network byte order behind each other.
class Writer {
 public:
  explicit Writer(std::string& bytes) : bytes_(bytes) {}

  template <class Number>
  Writer& number(Number number) {
    for (auto shift = static_cast<int>(sizeof(Number) - 1) * 8; shift >= 0; shift -= 8)
      bytes_ += static_cast<char>(static_cast<std::uint64_t>(number) >> shift & 0xff);
    return *this;
  }
  /// A text, after its length.
  Writer& words(std::string_view words) {
    number(static_cast<std::uint16_t>(words.size()));
    return raw(words);
  }
  Writer& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Writer& range(const Range& range) { return number(range.offset).number(range.length); }

 private:
  std::string& bytes_;
};

/// Reads what Writer has written.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <class Number>
  Reader& number(Number& number) {
    std::uint64_t value = 0;
    for (const char byte : take(sizeof(Number))) value = value << 8 | static_cast<unsigned char>(byte);
    number = static_cast<Number>(value);
    return *this;
  }
  template <class Enum>
  Reader& choice(Enum& choice, Enum first, Enum last) {
    std::uint8_t value = 0;
    number(value);
    if (value < static_cast<std::uint8_t>(first) || value > static_cast<std::uint8_t>(last))
      throw Corrupt(text("a message has {} where that means nothing", value));
    choice = static_cast<Enum>(value);
    return *this;
  }
  Reader& words(std::string& words, std::size_t most) {
    std::uint16_t length = 0;
    number(length);
    if (length > most) throw Corrupt(text("a message has {} bytes where at most {} may be", length, most));
    words = take(length);
    return *this;
  }
  Reader& range(Range& range) {
    number(range.offset).number(range.length);
    if (range.length > unknown - range.offset || range.end() > largest_file)
      throw Corrupt(text("{} bytes at {} are beyond any file", range.length, range.offset));
    return *this;
  }
  Reader& file_size(std::uint64_t& size, bool may_be_unknown = false) {
    number(size);
    if (size > largest_file && !(may_be_unknown && size == unknown))
      throw Corrupt(text("{} bytes are more than any file has", size));
    return *this;
  }
  std::string_view take(std::size_t length) {
    if (length > bytes_.size()) throw Corrupt("a message is shorter than what it has to say");
    const auto taken = bytes_.substr(0, length);
    bytes_.remove_prefix(length);
    return taken;
  }
  std::size_t count(std::size_t most) {
    std::uint16_t count = 0;
    number(count);
    if (count > most) throw Corrupt(text("a message lists {} where at most {} may be", count, most));
    return count;
  }
  void end() const {
    if (!bytes_.empty()) throw Corrupt(text("a message is {} bytes too long", bytes_.size()));
  }

 private:
  static constexpr std::uint64_t largest_file = ~std::uint64_t{0} >> 1;
  std::string_view bytes_;
};

void put(Writer& to, const Hello& hello) {
  to.number(hello.version).number(hello.digest).number(hello.stream);
  to.number(hello.streams).raw(as_text(hello.session)).number(hello.files).number(hello.bytes);
}
void take(Reader& from, Hello& hello) {
  from.number(hello.version);
  if (!is_spoken(hello.version)) {  // the rest is another version's
    from = Reader({});
    return;
  }
  from.choice(hello.digest, DigestKind::xxh3_128, DigestKind::sha256).number(hello.stream);
  from.number(hello.streams);
  const auto session = from.take(hello.session.size());
  std::ranges::transform(session, hello.session.begin(), [](char byte) { return std::byte(byte); });
  from.number(hello.files).number(hello.bytes);
  if (hello.streams > most_streams)
    throw Corrupt(text("{} connections are more than {}", hello.streams, most_streams));
  if (hello.streams == 0 || hello.stream >= hello.streams)
    throw Corrupt(text("connection {} of {} cannot be", hello.stream, hello.streams));
}

void put(Writer& to, const Welcome& welcome) { to.number(welcome.version); }
void take(Reader& from, Welcome& welcome) { from.number(welcome.version); }

void put(Writer& to, const Entry& entry) {
  to.number(entry.id).number(entry.kind);
  to.number(entry.mode).number(entry.seconds).number(entry.nanoseconds).number(entry.size).words(entry.name);
  if (entry.kind == EntryKind::link) to.words(entry.target);
}
void take(Reader& from, Entry& entry) {
  from.number(entry.id).choice(entry.kind, EntryKind::file, EntryKind::link);
  from.number(entry.mode).number(entry.seconds).number(entry.nanoseconds).file_size(entry.size, true);
  from.words(entry.name, longest_name);
  if (entry.kind == EntryKind::link) from.words(entry.target, longest_target);
  if (entry.mode > 0777) throw Corrupt(text("a mode of {:o} is more than permissions", entry.mode));
  if (entry.nanoseconds > 999'999'999) throw Corrupt(text("{} nanoseconds are a second", entry.nanoseconds));
}

void put(Writer& to, const Offer& offer) {
  to.number(offer.id).number(offer.state).number(offer.status).words(offer.reason);
  to.number(static_cast<std::uint16_t>(offer.have.size()));
  for (const auto& range : offer.have) to.range(range);
  to.number(static_cast<std::uint16_t>(offer.samples.size()));
  for (const auto& [range, digest] : offer.samples) to.range(range).words(digest);
}
void take(Reader& from, Offer& offer) {
  from.number(offer.id).choice(offer.state, Offer::State::nothing, Offer::State::unwanted);
  from.number(offer.status).words(offer.reason, largest_body);
  offer.have.resize(from.count(most_ranges));
  for (auto& range : offer.have) from.range(range);
  offer.samples.resize(from.count(most_samples));
  for (auto& [range, digest] : offer.samples) {
    from.range(range).words(digest, size_of(DigestKind::sha256));
    if (range.length == 0 || range.length > largest_chunk)
      throw Corrupt(text("a sample of {} bytes is none of 1 to {}", range.length, largest_chunk));
  }
}

void put(Writer& to, const Restart& restart) { to.number(restart.id); }
void take(Reader& from, Restart& restart) { from.number(restart.id); }

void put(Writer& to, const Chunk& chunk) {
  to.number(chunk.id).number(chunk.encoding).range(chunk.range);
  to.number(chunk.encoded_length);
}
void take(Reader& from, Chunk& chunk) {
  from.number(chunk.id).choice(chunk.encoding, Encoding::plain, Encoding::zstd).range(chunk.range);
  from.number(chunk.encoded_length);
  const auto length = chunk.range.length;
  if (length == 0 || length > largest_chunk)
    throw Corrupt(text("a chunk of {} bytes is none of 1 to {}", length, largest_chunk));
  if (chunk.encoding == Encoding::plain ? chunk.encoded_length != length : chunk.encoded_length > length)
    throw Corrupt(text("{} bytes cannot be sent as {}", length, chunk.encoded_length));
}

void put(Writer& to, const End& end) { to.number(end.id).number(end.size).number(end.data); }
void take(Reader& from, End& end) {
  from.number(end.id).file_size(end.size).number(end.data);
  if (end.data > end.size)
    throw Corrupt(text("a file of {} bytes cannot have {} of data", end.size, end.data));
}

void put(Writer& to, const Cancel& cancel) { to.number(cancel.id).words(cancel.reason); }
void take(Reader& from, Cancel& cancel) { from.number(cancel.id).words(cancel.reason, largest_body); }

void put(Writer& to, const Done& done) { to.number(done.id); }
void take(Reader& from, Done& done) { from.number(done.id); }

void put(Writer&, const Finish&) {}
void take(Reader&, Finish&) {}

void put(Writer& to, const Abort& abort) { to.number(abort.status).words(abort.reason); }
void take(Reader& from, Abort& abort) { from.number(abort.status).words(abort.reason, largest_body); }

template <std::size_t... Index>
Message take_body(std::size_t type, Reader& from, std::index_sequence<Index...>) {
  Message message;
  const auto try_one = [&]<std::size_t This>(std::integral_constant<std::size_t, This>) {
    if (type == This + 1) take(from, message.emplace<This>());
  };
  (try_one(std::integral_constant<std::size_t, Index>()), ...);
  from.end();
  return message;
}

constexpr std::size_t types = std::variant_size_v<Message>;

}  // namespace

std::exception_ptr failure_of(Status status, const std::string& what) {
  if (status == Status::integrity_mismatch) return std::make_exception_ptr(Corrupt(what));
  return std::make_exception_ptr(Incomplete(what));
}

std::string encode(const Message& message) {
  std::string body;
  Writer of_body(body);
  std::visit([&](const auto& one) { put(of_body, one); }, message);
  std::string frame;
  frame.reserve(frame_header_size + body.size() + frame_digest_size);
  Writer to(frame);
  to.raw(magic).number(static_cast<std::uint8_t>(message.index() + 1)).number(std::uint8_t{0});
  to.number(static_cast<std::uint32_t>(body.size()));
  to.number(xxh3_64(frame));
  to.raw(body);
  to.raw(xxh3_128(frame));
  return frame;
}

void check_magic(std::string_view bytes) {
  if (bytes != magic) throw Corrupt(no_frame);
}

FrameHeader decode_header(std::string_view header) {
  FrameHeader decoded;
  Reader from(header);
  check_magic(from.take(frame_magic_size));
  std::uint8_t zero = 0;
  std::uint64_t check = 0;
  from.number(decoded.type).number(zero).number(decoded.length).number(check);
  if (check != xxh3_64(header.substr(0, checked_part))) throw Corrupt(no_frame);
  if (zero != 0 || decoded.type == 0 || decoded.type > types || decoded.length > largest_body)
    throw Corrupt(text("no message has type {} and {} bytes", decoded.type, decoded.length));
  return decoded;
}

Message decode(std::string_view frame) {
  const auto header = decode_header(frame.substr(0, frame_header_size));
  if (frame.size() != frame_header_size + header.length + frame_digest_size)
    throw Corrupt("a frame has not the length that it says");
  const auto checked = frame.substr(0, frame_header_size + header.length);
  if (xxh3_128(checked) != frame.substr(checked.size())) throw Corrupt("a message is damaged");
  Reader from(checked.substr(frame_header_size));
  return take_body(header.type, from, std::make_index_sequence<types>());
}

}  // namespace sockx
