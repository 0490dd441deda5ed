"""What has been done."""
