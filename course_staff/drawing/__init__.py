"""Draw the datasets paper_flowers, messy_flowers and garden_walk."""
