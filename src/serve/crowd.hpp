// Crowd: connections that wait for a place, at any of a server's listeners.
#pragma once

#include "serve/service.hpp"

namespace sockx {

class Crowd {
 public:
  explicit Crowd(Service& service) : service_(service) {}

  /// While one lives, a connection waits, and the service knows.
  class Waiting {
   public:
    explicit Waiting(Crowd& crowd) : crowd_(crowd) { crowd_.change(+1); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { crowd_.change(-1); }

   private:
    Crowd& crowd_;
  };

 private:
  /// The service is told again when others still wait: one client may have made room already.
  void change(int by) {
    waiting_ += by;
    service_.set_crowded(waiting_ > 0);
  }

  Service& service_;
  int waiting_ = 0;
};

}  // namespace sockx
