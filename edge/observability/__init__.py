"""What the edge tells about itself: structured logs."""
