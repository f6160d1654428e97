"""What the edges want a person to look at: alarms that stand, and those that are over."""
