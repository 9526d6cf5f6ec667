"""What a workspace's directory may do, and what it did."""
