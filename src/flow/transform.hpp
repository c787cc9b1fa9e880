// Transform: what stands between the bytes of a stream and those of its descriptor, such as TLS.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "os/descriptor.hpp"
#include "os/io_result.hpp"

namespace sockx {

/// The descriptor below a transform, borrowed. Nothing here waits; faults are thrown as Error.
class RawEnd {
 public:
  explicit RawEnd(Descriptor facts) : facts_(std::move(facts)) {}
  IoResult read(std::span<std::byte> buffer) const;        // read(2), recv(2)
  IoResult write(std::span<const std::byte> bytes) const;  // write(2), send(2)
  const Descriptor& facts() const { return facts_; }

 private:
  Descriptor facts_;
};

/// Turns bytes into other bytes, both ways. Nothing here waits; faults are thrown as Error. A destructor
/// writes nothing.
class Transform {
 public:
  virtual ~Transform() = default;
  /// Bytes for the reader. `again` only after the descriptor has said so, to a read or to a write: one read
  /// may bring bytes for many reads here. `eof` is the end that the peer has said, or the descriptor's where
  /// that will do.
  virtual IoResult read(std::span<std::byte> buffer) = 0;
  /// Takes bytes of the writer. `again` when the descriptor does not take what is held.
  virtual IoResult write(std::span<const std::byte> bytes) = 0;
  /// Whether bytes have still to be written to the descriptor: the writer's, or those that reading has
  /// caused.
  virtual bool is_holding() const = 0;
  /// Writes what is held, as far as the descriptor takes it.
  virtual void flush() = 0;
  /// Our end follows what is held; nothing that reading causes is written behind it. A second call changes
  /// nothing.
  virtual void finish() = 0;
  /// Whether both ends have been said, the peer's and ours: a failure of the descriptor loses nothing then.
  /// A peer that closes before it has read our end resets the connection.
  virtual bool is_over() const { return false; }
  /// The descriptor has failed with this errno. The kernel tells it once: a read after that finds an end.
  virtual void note_failure(int /*error*/) {}
};

using MakeTransform = std::function<std::unique_ptr<Transform>(RawEnd)>;

}  // namespace sockx
