"""Questions that several runs answer: studies, and what judges are worth."""
