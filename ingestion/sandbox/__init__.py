"""The vendors, simulated: one HTTP server with their real shapes and bad habits, seeded."""
