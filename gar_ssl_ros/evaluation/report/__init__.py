"""Results as a page and as tables: ours beside the paper's."""
