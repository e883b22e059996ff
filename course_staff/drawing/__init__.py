"""How paper_flowers and messy_flowers were drawn."""
