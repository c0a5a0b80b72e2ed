"""Built-in datasets: one file each, loaded as any stranger's plugin."""
