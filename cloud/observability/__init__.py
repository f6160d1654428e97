"""What the process tells about itself: logs, without secrets, and failures as problem documents."""
