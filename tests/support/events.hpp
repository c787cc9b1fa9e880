// What --json says, as a test reads it.
#pragma once

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "sockx.hpp"

namespace test {

using nlohmann::json;

/// Every line as an object; each must have an "event".
inline std::vector<json> events_in(const std::string& text) {
  std::vector<json> events;
  for (const auto& line : lines_of(text)) {
    INFO(line);
    REQUIRE(json::accept(line));
    events.push_back(json::parse(line));
    REQUIRE(events.back().is_object());
    CHECK(events.back().contains("event"));
  }
  return events;
}

/// The one event of that name.
inline json event_of(const std::vector<json>& events, const std::string& name) {
  std::vector<json> found;
  for (const auto& event : events)
    if (event.at("event") == name) found.push_back(event);
  CAPTURE(name);
  REQUIRE(found.size() == 1);
  return found.front();
}

}  // namespace test
