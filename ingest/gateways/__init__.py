"""Ways in for data that is not ours by birth: files today, device protocols beside them."""
