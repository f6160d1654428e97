"""People, groups, id tags, tariffs and offline policy: kept for the campus, published to the sites that need them."""
