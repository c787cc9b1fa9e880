#include "flow/line_reader.hpp"

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

LineReader::LineReader(EventLoop& loop, Descriptor from, std::size_t longest)
    : from_(Stream::borrow(loop, std::move(from))),
      longest_(longest),
      framer_({Framing::Kind::line}, longest + 1),
      buffer_(64 * 1024) {}

std::optional<std::string> LineReader::take() {
  const auto too_long = [this] {
    return BadInput(text("{}: a line has more than {} bytes", from_.name(), longest_));
  };
  std::optional<std::vector<std::byte>> record;
  try {
    record = framer_.take();
  } catch (const Error&) {
    throw too_long();
  }
  if (!record) return {};
  std::string line(reinterpret_cast<const char*>(record->data()), record->size());
  if (line.ends_with('\n')) line.pop_back();
  if (line.size() > longest_)
    throw too_long();  // a last line, without the newline that the framer has room for
  return line;
}

Task<std::optional<std::string>> LineReader::next() {
  for (;;) {
    auto line = take();
    if (line || framer_.has_ended()) co_return line;
    const auto got = from_.read_some(buffer_);
    if (got.state == IoResult::State::moved) {
      framer_.put(std::span(buffer_).first(got.bytes));
    } else if (got.state == IoResult::State::eof) {
      framer_.end();
    } else {
      co_await from_.readable();
    }
  }
}

}  // namespace sockx
