"""What work costs: operations and bytes counted, and how fast this device is."""
