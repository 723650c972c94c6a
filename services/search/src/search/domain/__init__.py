"""What a search is about: questions, tiers, offers as documents, explanations. Standard library and rules only."""
