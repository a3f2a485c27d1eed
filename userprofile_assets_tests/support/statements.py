"""Statements for tests of what happens while one runs."""

# Minutes of work, cut into tasks that look every 1,000 rows whether they are cancelled.
ENDLESS = "SELECT COUNT(*) FROM RANGE(0, 1000000000000, 1, 64) WHERE SQRT(id) % 3 = 1.5"

# The same on fewer rows: what it needs is loaded then, and its tasks run at once.
SHORT = ENDLESS.replace("1000000000000", "1000")
