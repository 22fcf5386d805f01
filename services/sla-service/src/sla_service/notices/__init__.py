"""What the SLA service announces itself: notices of changed timers, alarms, and the feed of both."""
