"""What applications learn from: named data sets, folders of images, and users' tables."""
