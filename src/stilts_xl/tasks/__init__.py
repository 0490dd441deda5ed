"""What can be learned or tested, one small file per task."""
