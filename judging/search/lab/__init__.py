"""The query lab: one query asked of up to four sides at once, and their lists compared. Nothing is stored."""
