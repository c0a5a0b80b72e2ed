"""Pictures and videos in a style that is kept in a file."""
