#include "transfer/verified/lane.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace sockx {

namespace {

constexpr std::size_t small_chunk = 64 * 1024;  // goes with its messages in one write

}  // namespace

Lane::Lane(EventLoop& loop, Connection connection, Clock::time_point& last_byte, LaneOptions options,
           TransferTally& tally)
    : loop_(loop),
      work_{loop, last_byte},
      options_(options),
      tally_(tally),
      channel_(loop, std::move(connection), last_byte),
      hasher_(options.digest) {
  if (options_.compresses) trial_.emplace();
}

Task<> Lane::send(const SourceFile& source, Stream& file, std::uint32_t id, Range range) {
  const auto begun = Clock::now();
  const auto encoded_before = tally_.encoded;
  const bool is_small = range.length <= small_chunk;
  if (is_small || (trial_ && trial_->compresses())) {
    co_await send_from_memory(source, id, range);
  } else {
    co_await send_from_file(source, file, id, range);
  }
  if (is_small && channel_.unsent() < enough_in_line) co_return;
  if (is_small || trial_) {
    co_await channel_.flush();
  }
  if (!is_small && trial_) trial_->note(Clock::now() - begun, range.length, tally_.encoded - encoded_before);
  co_await loop_.next_turn();
}

Task<> Lane::send_from_memory(const SourceFile& source, std::uint32_t id, Range range) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(range.length));
  co_await source.read(range.offset, bytes, work_);
  co_await put(id, range.offset, bytes);
}

Task<> Lane::put(std::uint32_t id, std::uint64_t offset, std::span<const std::byte> bytes) {
  hasher_.add(bytes);
  const auto digest = hasher_.finish();
  std::vector<std::byte> compressed;
  if (trial_ && trial_->compresses() && bytes.size() > small_chunk) compressed = compress(bytes);
  const auto payload = compressed.empty() ? bytes : std::span<const std::byte>(compressed);
  const auto encoding = compressed.empty() ? Encoding::plain : Encoding::zstd;
  if (options_.rate != nullptr) {
    co_await wait_for_allowance(payload.size());
  }
  channel_.put(Chunk{id, encoding, {offset, bytes.size()}, static_cast<std::uint32_t>(payload.size())});
  channel_.put_bytes(as_text(payload));
  channel_.put_bytes(digest);
  count(bytes.size(), payload.size());
}

/// The digest is computed before the bytes are sent, because what sendfile(2) sends is never in our memory.
/// If the file changes in between, the receiver finds that digest and bytes differ.
Task<> Lane::send_from_file(const SourceFile& source, Stream& file, std::uint32_t id, Range range) {
  const auto digest = co_await source.digest_of(range, hasher_, work_);
  source.seek(range.offset);
  channel_.put(Chunk{id, Encoding::plain, range, static_cast<std::uint32_t>(range.length)});
  co_await channel_.flush(true);
  Pump pump(file, channel_.stream(), {options_.method, 0, range.length});
  std::exception_ptr failure;
  try {
    co_await channel_.send_payload(pump, {options_.rate, nullptr, nullptr});
  } catch (const Error& error) {
    if (error.origin() != Origin::local_file) throw;
    failure = std::current_exception();
  }
  if (!failure && pump.bytes() < range.length) failure = std::make_exception_ptr(SourceChanged());
  if (failure) {
    co_await fill_up(range.length - pump.bytes() - pump.surplus());
    std::rethrow_exception(failure);
  }
  channel_.put_bytes(digest);
  count(range.length, range.length);
}

/// Sends zeros for the rest of the payload and for the digest; a digest of zeros says that the chunk is void.
Task<> Lane::fill_up(std::uint64_t missing) {
  const std::string zeros(small_chunk, '\0');
  while (missing > 0) {
    const auto piece = std::min<std::uint64_t>(missing, zeros.size());
    channel_.put_bytes(std::string_view(zeros).substr(0, static_cast<std::size_t>(piece)));
    co_await channel_.flush();
    missing -= piece;
  }
  channel_.put_bytes(std::string_view(zeros).substr(0, size_of(options_.digest)));
}

Task<> Lane::wait_for_allowance(std::uint64_t bytes) {
  auto& rate = *options_.rate;
  while (rate.allowance(Clock::now()) == 0) {
    co_await loop_.sleep_until(rate.worth_waking());
  }
  rate.spend(static_cast<std::int64_t>(bytes));
}

void Lane::count(std::uint64_t size, std::uint64_t encoded_size) {
  tally_.bytes += size;
  tally_.encoded += encoded_size;
  ++tally_.chunks;
}

}  // namespace sockx
