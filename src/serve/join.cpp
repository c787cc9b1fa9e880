#include "serve/join.hpp"

#include "flow/relay.hpp"

namespace sockx {

Task<> join(Client& client, Connection& dialed, CutUnlessComplete& cut) {
  Duplex ours{dialed.stream, dialed.stream, &cut};
  Duplex theirs{client.stream(), client.stream(), &client.cut};
  ours.awaits_acknowledgement = theirs.awaits_acknowledgement = false;  // the kernel does that
  RelayRules rules;
  RelayObserver nobody = [](const RelayEvent&) {};
  co_await relay(std::move(ours), std::move(theirs), std::move(rules), client.tally, std::move(nobody));
}

}  // namespace sockx
