// Peers: the addresses that datagrams came from, so that all can be answered.
#pragma once

#include <cstddef>
#include <list>
#include <string_view>
#include <unordered_map>

#include "net/address/address.hpp"
#include "net/datagram/datagrams.hpp"

namespace sockx {

/// Different addresses in the order in which they first came, each with the address of ours that it last sent
/// to; beyond `most` the oldest is forgotten.
class Peers {
 public:
  explicit Peers(std::size_t most = 4096) : most_(most) {}

  /// `local` is the address of ours that answers come from; null: the kernel chooses.
  void add(const Address& peer, const Address* local = nullptr) {
    if (last_ != nullptr && last_->to == peer) return last_->set_source(local);
    if (const auto known = index_.find(peer.bytes()); known != index_.end()) {
      last_ = &*known->second;
      return last_->set_source(local);
    }
    order_.emplace_back(peer, local);
    last_ = &order_.back();
    index_.emplace(last_->to.bytes(), std::prev(order_.end()));
    if (order_.size() > most_) remove(Address(order_.front().to));
  }
  bool has(const Address& peer) const { return index_.contains(peer.bytes()); }
  void remove(const Address& peer) {
    const auto known = index_.find(peer.bytes());
    if (known == index_.end()) return;
    const auto place = known->second;
    if (last_ == &*place) last_ = nullptr;
    index_.erase(known);  // whose key is in the list
    order_.erase(place);
  }
  bool empty() const { return order_.empty(); }
  /// The peer that sent last and is not removed; null where there is none.
  const AnswerPath* last() const { return last_; }
  auto begin() const { return order_.begin(); }
  auto end() const { return order_.end(); }

 private:
  std::size_t most_;
  std::list<AnswerPath> order_;
  std::unordered_map<std::string_view, std::list<AnswerPath>::iterator> index_;
  AnswerPath* last_ = nullptr;
};

}  // namespace sockx
