"""A run: its plan, its cells, their speed and their scores, written one by one."""
