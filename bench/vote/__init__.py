"""The blind test: votes, the page to give them on, and the scores that they make."""
