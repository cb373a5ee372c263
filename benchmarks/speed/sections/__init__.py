"""What is compared, section by section of the page, and which targets follow from it."""
