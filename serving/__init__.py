"""From scores to fair decisions: policy, decisions, reviews, storage, HTTP and pages."""
