"""What lets people see what they may see: HTTP endpoints, their pages, and who is asking."""
