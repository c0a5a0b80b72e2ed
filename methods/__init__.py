"""Built-in methods: one file each, loaded as any stranger's plugin."""
