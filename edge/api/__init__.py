"""The site's own REST API: the paper's requests to charge points, the records, and the doors in front of them."""
