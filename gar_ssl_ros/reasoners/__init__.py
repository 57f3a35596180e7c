"""Who answers the three stages of GAR."""
