"""Results as text and pictures: one versioned object, and every format made from it."""
