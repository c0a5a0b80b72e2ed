"""What has become slower: two runs, or two versions of the code that take turns."""
