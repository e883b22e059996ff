"""Draw the datasets paper_flowers and messy_flowers."""
