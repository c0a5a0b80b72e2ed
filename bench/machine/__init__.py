"""The machine: which device and arithmetic, its clock, memory, peak, and what else it did."""
