// What --json says, as a test reads it.
#pragma once

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "sockx.hpp"

namespace test {

using nlohmann::json;

/// Like "2026-11-20T20:31:40.123456Z".
inline bool is_utc_time(const std::string& time) {
  const std::string form = "0000-00-00T00:00:00.000000Z";
  return std::ranges::equal(time, form, [](char letter, char formed) {
    return formed == '0' ? letter >= '0' && letter <= '9' : letter == formed;
  });
}

/// Without what differs from run to run.
inline json without_time(json event) {
  event.erase("time");
  return event;
}

/// Every line as an object; each must have an "event" and, in UTC, the "time".
inline std::vector<json> events_in(const std::string& text) {
  std::vector<json> events;
  for (const auto& line : lines_of(text)) {
    INFO(line);
    REQUIRE(json::accept(line));
    events.push_back(json::parse(line));
    REQUIRE(events.back().is_object());
    CHECK(events.back().contains("event"));
    // A datagram is payload; its time is that of its arrival.
    if (events.back().at("event") != "datagram") CHECK(is_utc_time(events.back().at("time")));
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
