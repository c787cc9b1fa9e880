#include "transfer/verified/file_sending.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include "flow/file_calls.hpp"
#include "flow/task_group.hpp"
#include "os/error.hpp"

namespace sockx {

namespace {

constexpr std::size_t chunk_size = 1024 * 1024;  // bytes of a file

/// Into pieces that do not cross a multiple of the chunk size.
void cut(const Range& range, std::deque<Range>& chunks) {
  for (auto offset = range.offset; offset < range.end();) {
    const auto end = std::min(range.end(), (offset / chunk_size + 1) * chunk_size);
    chunks.push_back({offset, end - offset});
    offset = end;
  }
}

/// Standard input may be a file on a slow disk.
IoResult read_next(Stream& source, std::span<std::byte> room, FileCalls& calls) {
  const auto begun = Clock::now();
  const auto got = source.read_some(room.first(std::min<std::size_t>(room.size(), calls.bytes())));
  const auto took = Clock::now() - begun;
  if (source.facts().is_file())
    calls.note_read(source.facts().fd, took, got.bytes);
  else
    calls.note(took, got.bytes);
  return got;
}

Task<> until_readable(Stream& input) { co_await input.readable(); }

}  // namespace

Task<> FileSending::send(std::uint32_t id, const SourceFile& source) {
  const auto& path = source.described().name;
  std::exception_ptr failure;
  try {
    tally_.file = path;
    const auto wanted = co_await ask(id, source);
    if (wanted && source.has_size()) {
      co_await send_regular(id, source, *wanted);
    } else if (wanted) {
      co_await send_stream(id, source);
    }
  } catch (const SourceChanged&) {
    failure = changed_while_sent(path);
  } catch (const Error& error) {
    if (error.origin() != Origin::local_file) throw;
    failure = std::current_exception();
  }
  if (!failure) co_return;
  unanswered_.fail(id, failure);  // unless it has failed at the receiver
  lanes_.control().put(Cancel{id, "the sender could not read it whole"});
}

/// Nothing when the receiver does not want the file.
Task<std::optional<FileSending::Wanted>> FileSending::ask(std::uint32_t id, const SourceFile& source) {
  std::optional<Offer> offer;
  while (!offer) {
    if (!unanswered_.contains(id)) co_return std::nullopt;
    offer = unanswered_.first_word(id);
    if (!offer) {
      co_await unanswered_.send_or_wait(lanes_.control());
    }
  }
  const auto& path = source.described().name;
  Wanted wanted;
  switch (offer->state) {
    case Offer::State::all:
    case Offer::State::unwanted:
      unanswered_.settle(*offer);
      co_return std::nullopt;
    case Offer::State::changed:
      tell_({FileEvent::Kind::changed, path});
      break;
    case Offer::State::part: {
      const bool is_part_of_it = co_await is_of(source, *offer);
      if (is_part_of_it) {
        for (const auto& range : offer->have) wanted.there.add(range);
        tell_({FileEvent::Kind::resumed, path, wanted.there.bytes()});
      } else {
        lanes_.control().put(Restart{id});
        wanted.is_restarted = true;
        tell_({FileEvent::Kind::changed, path});
      }
      break;
    }
    case Offer::State::nothing:
      break;
  }
  co_return wanted;
}

/// Whether a part is of this file, as far as its samples tell.
Task<bool> FileSending::is_of(const SourceFile& source, const Offer& part) {
  const auto fits = [&](const Range& range) { return range.end() <= source.size(); };
  if (!std::ranges::all_of(part.have, fits)) co_return false;
  for (const auto& sample : part.samples) {
    if (!fits(sample.range)) co_return false;
    const auto digest = co_await source.digest_of(sample.range, lanes_.first().hasher(), work());
    if (digest != sample.digest) co_return false;
  }
  co_return true;
}

Task<> FileSending::send_regular(std::uint32_t id, const SourceFile& source, const Wanted& wanted) {
  const auto& there = wanted.there;
  std::deque<Range> chunks;
  const auto stretches = co_await source.data(work());
  for (const auto& range : stretches)
    for (const auto& gap : there.missing_from(range)) cut(gap, chunks);
  auto data = there.bytes();
  for (const auto& range : chunks) data += range.length;
  tally_.holes += source.size() - data;
  tally_.resumed += there.bytes();
  // A chunk on another connection could come before the message that what there was is to be forgotten.
  const auto use = wanted.is_restarted ? SendingLanes::Use::first : SendingLanes::Use::all;
  co_await lanes_.send_chunks(id, source, std::move(chunks), unanswered_, use);
  if (source.has_changed()) throw SourceChanged();
  lanes_.control().put(End{id, source.size(), data});
}

/// What has no size, and can be read only once: chunk by chunk through memory.
Task<> FileSending::send_stream(std::uint32_t id, const SourceFile& source) {
  auto input = Stream::borrow(loop_, source.described());
  std::vector<std::byte> buffer(chunk_size);
  FileCalls calls(usual_most_read);
  std::uint64_t size = 0;
  co_await lanes_.control().flush();
  co_await wait_for_input(input, id);  // a fifo cannot be read before somebody writes to it
  for (bool has_ended = false; !has_ended && unanswered_.contains(id);) {
    std::size_t filled = 0;
    while (filled < buffer.size() && !has_ended && unanswered_.contains(id)) {
      const auto got = read_next(input, std::span(buffer).subspan(filled), calls);
      filled += got.bytes;
      has_ended = got.state == IoResult::State::eof;
      if (got.state == IoResult::State::moved) lanes_.last_byte() = loop_.now();
      if (got.state == IoResult::State::again) {
        co_await wait_for_input(input, id);
      } else if (work().is_long()) {
        co_await loop_.next_turn();
      }
    }
    if (filled == 0 || !unanswered_.contains(id)) break;
    co_await lanes_.first().put(id, size, std::span(buffer).first(filled));
    co_await lanes_.control().flush();
    co_await loop_.next_turn();
    size += filled;
  }
  unanswered_.note_size(id, size);
  lanes_.control().put(End{id, size, size});
}

/// Or until the receiver has said that it does not want the file any more.
Task<> FileSending::wait_for_input(Stream& input, std::uint32_t id) {
  std::vector<Task<>> either;
  either.push_back(until_readable(input));
  either.push_back(unanswered_.wait_for_end_of(id));
  co_await any(std::move(either));
}

}  // namespace sockx
