"""Built-in metrics: one file each, loaded as any stranger's plugin."""
