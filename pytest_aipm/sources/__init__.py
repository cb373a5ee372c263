"""Where data and models come from: files, folders, factories and objects, opened with care."""
