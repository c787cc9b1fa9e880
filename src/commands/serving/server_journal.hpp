// ServerJournal: logs what happens to the clients of a server, and reports it as events.
#pragma once

#include "cli/context.hpp"
#include "serve/server.hpp"

namespace sockx {

class ServerJournal {
 public:
  explicit ServerJournal(Context& context) : context_(context) {}
  void operator()(const ServerEvent& event) const;

 private:
  void note_accepted(const ServerEvent& event) const;
  void note_closed(const ServerEvent& event) const;
  Context& context_;
};

}  // namespace sockx
